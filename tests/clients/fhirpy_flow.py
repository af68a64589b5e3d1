# SPDX-License-Identifier: Apache-2.0
"""The flow with PyPI's fhirpy: PYTHONPATH=PACKAGES fhirpy_flow.py BASE"""
import sys
import time

from fhirpy import SyncFHIRClient
from fhirpy.base.exceptions import MultipleResourcesFound, OperationOutcome, ResourceNotFound


def refused(call, kind=Exception):
    try:
        call()
    except kind as error:
        return error
    raise AssertionError("it was not refused")


def flow(base):
    client = SyncFHIRClient(base)
    mark = f"py-{time.time_ns()}"
    identifier = {"system": "http://clinic.example/py", "value": mark}

    # create
    patient = client.resource("Patient", identifier=[identifier], name=[{"family": "Python"}])
    patient.save()
    assert patient.id and patient["meta"]["versionId"] == "1"

    # conditional create: the one that is there
    careful = SyncFHIRClient(base, extra_headers={"If-None-Exist": f"identifier=http://clinic.example/py|{mark}"})
    second = careful.resource("Patient", identifier=[identifier], name=[{"family": "Second"}])
    second.save()
    assert second.id == patient.id and second["name"][0]["family"] == "Python"

    # search, with pages by next
    for number in range(5):
        client.resource("Observation", status="final", code={"text": mark}, subject=patient.to_reference()).save()
    found = client.resources("Observation").search(subject=patient).limit(2).fetch_all()
    assert len({each.id for each in found}) == 5
    assert client.resources("Observation").search(subject=patient).count() == 5
    assert found[0]["subject"].to_resource().id == patient.id

    # update with If-Match: the right version, then one that is gone
    holding = SyncFHIRClient(base, extra_headers={"If-Match": 'W/"1"'})
    data = {**patient.serialize(), "active": True}
    changed = holding.execute(f"Patient/{patient.id}", method="PUT", data=data)
    assert changed["meta"]["versionId"] == "2"
    refused(lambda: holding.execute(f"Patient/{patient.id}", method="PUT", data=data), MultipleResourcesFound)  # its name for 412

    # patch
    patient.patch(active=False)
    assert patient["active"] is False and patient["meta"]["versionId"] == "3"

    # transaction
    result = client.execute("/", method="POST", data={
        "resourceType": "Bundle", "type": "transaction", "entry": [
            {"fullUrl": "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a", "resource": {"resourceType": "Patient"},
             "request": {"method": "POST", "url": "Patient"}},
            {"resource": {"resourceType": "Observation", "status": "final", "code": {"text": mark},
                          "subject": {"reference": "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a"}},
             "request": {"method": "POST", "url": "Observation"}}]})
    assert [entry["response"]["status"][:3] for entry in result["entry"]] == ["201", "201"]

    # history
    history = client.execute(f"Patient/{patient.id}/_history", method="GET")
    assert [entry["resource"]["meta"]["versionId"] for entry in history["entry"]] == ["3", "2", "1"]

    # refused, and deleted
    refused(client.resource("Patient", gender=5).save, OperationOutcome)
    patient.delete()
    refused(lambda: client.reference("Patient", patient.id).to_resource(), ResourceNotFound)
    print("flow complete")


flow(sys.argv[1])
