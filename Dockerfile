# Image of both the web server and the worker; compose.yaml starts them.
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 STATIC_ROOT=/app/staticfiles PICTURES_ROOT=/data/pictures
WORKDIR /app

COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt

COPY manage.py .
COPY salesmsg_portal salesmsg_portal
COPY integrations integrations
COPY templates templates
COPY static static
# collectstatic needs settings, so the secret exists for this command only.
RUN SECRET_KEY=only-for-collectstatic python manage.py collectstatic --no-input \
    && useradd --system --home-dir /app portal \
    && mkdir /data && chown portal /data

USER portal
EXPOSE 8000
# gunicorn and qcluster must run as the main process, because SIGTERM is sent to it.
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "--workers", "2", "--threads", "8", "--no-control-socket", "salesmsg_portal.wsgi"]
