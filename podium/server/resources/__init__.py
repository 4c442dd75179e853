"""One file per resource, one short function per endpoint; no SQL here."""
