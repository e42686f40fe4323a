"""The one pass: every image through the network once, every layer x readout column from it."""
