"""The whole workflow under faults, on a running Airflow: ``make chaos``, or ``python -m chaos --help``."""
