"""The few pages the server shows a browser by itself."""
