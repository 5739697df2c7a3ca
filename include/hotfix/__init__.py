"""Emergency hotfixes as an Airflow workflow: from an incident report to a verified fix, or safely back."""

__version__ = "0.1.0"
