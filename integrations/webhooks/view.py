from django.http import HttpResponse


def receive(request, secret):
    return HttpResponse(status=200)
