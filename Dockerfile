# Airflow with this package in it: every component runs this one image, so none can run another version of the code.
FROM apache/airflow:3.3.2-python3.11

USER root
RUN apt-get update \
    && apt-get install -y --no-install-recommends git openssh-client \
    && rm -rf /var/lib/apt/lists/*
USER airflow

# The ranges and not the pins of requirements.txt: what the image brings was tested with it and stays (some of its
# providers need older versions than the newest), only what is missing is added. Airflow itself is held where it is.
COPY requirements.in /opt/airflow/requirements.in
RUN pip install --no-cache-dir "apache-airflow==${AIRFLOW_VERSION}" -r /opt/airflow/requirements.in

# Volumes take over these folders' owner when they are first mounted.
RUN mkdir -p /opt/airflow/hotfix /opt/airflow/logs
COPY dags /opt/airflow/dags
COPY plugins /opt/airflow/plugins
COPY include /opt/airflow/include

# Tasks start faster: docs/installation.md.
RUN mkdir -p /opt/airflow/config && echo "import hotfix.airflow.warm_start" > /opt/airflow/config/airflow_local_settings.py

ENV PYTHONPATH=/opt/airflow/include
ENV HOTFIX_HOME=/opt/airflow/hotfix
# A build that cannot import the package, or lacks git, fails here and not in an emergency.
RUN python -m hotfix --version && git --version && gitleaks version
