"""How the admin writes times: with seconds and the zone, and the same in every language (FORMAT_MODULE_PATH)."""
