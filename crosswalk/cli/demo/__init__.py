"""The demo: simulated vendors, a folder of exports, and one hub that brings them into agreement."""
