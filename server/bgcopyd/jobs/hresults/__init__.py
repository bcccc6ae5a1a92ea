"""The one table of HRESULTs: BITS, Delivery Optimization, Windows, and HTTP statuses as codes."""
