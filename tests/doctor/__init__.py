"""The doctor's test bench: runs that are healthy and runs that are ill in a known way."""
