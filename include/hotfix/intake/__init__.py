"""Where alerts come in: a web app of its own, to be mounted in Airflow's api-server."""
