# The web server and the worker are the same image; compose.yaml starts both.
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
# Collecting needs settings but no secret that outlives this line.
RUN SECRET_KEY=only-for-collectstatic python manage.py collectstatic --no-input \
    && useradd --system --home-dir /app portal \
    && mkdir /data && chown portal /data

USER portal
EXPOSE 8000
# gunicorn and qcluster must be the main process themselves: they are stopped by one SIGTERM to it.
CMD ["gunicorn", "--bind", "0.0.0.0:8000", "--workers", "2", "--threads", "8", "--no-control-socket", "salesmsg_portal.wsgi"]
