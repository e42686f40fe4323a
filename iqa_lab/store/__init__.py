"""What is on disk of a unit, and all that is made of it without a pass: tables, headlines, statistics anew."""
