"""The transfer engine: libcurl, partial files, verification, bandwidth."""
