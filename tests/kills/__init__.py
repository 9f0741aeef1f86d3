"""A daemon that is killed again and again, on simulated vendors over HTTP: `make kills KILLS=200`."""
