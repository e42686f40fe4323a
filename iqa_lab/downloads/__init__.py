"""Files from the network: downloads that resume and are verified, archives that are unpacked safely."""
