"""The smallest part of a culprit's revert that stops the failure and breaks no more than the whole revert would."""
