"""Speed, measured side by side with the peers in one run; nothing here is asserted in a test."""
