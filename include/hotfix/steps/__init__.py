"""The workflow's steps, one module each: documents and ports in, a document out. No step knows Airflow."""
