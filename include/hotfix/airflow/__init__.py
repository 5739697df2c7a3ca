"""The only code, with the DAG files and the console, that knows Airflow."""
