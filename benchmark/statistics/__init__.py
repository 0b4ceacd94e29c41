"""Bootstrap by patient, paired differences, and the test of the sentinels. Imports no torch."""
