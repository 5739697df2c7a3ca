"""What several suites build their worlds from: histories, artefacts, incidents."""
