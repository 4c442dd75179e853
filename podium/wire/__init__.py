"""The language on the wire: bodies, answers, filters, sorts and endpoint rows, shared by server and client."""
