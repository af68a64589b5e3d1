// SPDX-License-Identifier: Apache-2.0
// The flow with HAPI's Java client, which checks the capability statement first: Flow BASE
import ca.uhn.fhir.context.FhirContext;
import ca.uhn.fhir.rest.api.MethodOutcome;
import ca.uhn.fhir.rest.client.api.IGenericClient;
import ca.uhn.fhir.rest.server.exceptions.InvalidRequestException;
import ca.uhn.fhir.rest.server.exceptions.PreconditionFailedException;
import ca.uhn.fhir.rest.server.exceptions.ResourceGoneException;
import java.util.HashSet;
import java.util.Set;
import org.hl7.fhir.r4.model.Bundle;
import org.hl7.fhir.r4.model.IdType;
import org.hl7.fhir.r4.model.Observation;
import org.hl7.fhir.r4.model.Patient;
import org.hl7.fhir.r4.model.Reference;

public class Flow {
    static void check(boolean fine, String what) {
        if (!fine) {
            throw new AssertionError(what);
        }
    }

    static Observation observation(String mark, String subject) {
        Observation made = new Observation().setStatus(Observation.ObservationStatus.FINAL);
        made.getCode().setText(mark);
        made.setSubject(new Reference(subject));
        return made;
    }

    public static void main(String[] arguments) {
        IGenericClient client = FhirContext.forR4().newRestfulGenericClient(arguments[0]);
        String mark = "hapi-" + System.nanoTime();
        String system = "http://clinic.example/hapi";

        // create
        Patient patient = new Patient();
        patient.addIdentifier().setSystem(system).setValue(mark);
        patient.addName().setFamily("Java");
        MethodOutcome outcome = client.create().resource(patient).execute();
        check(outcome.getCreated(), "created");
        IdType id = (IdType) outcome.getId();
        check(id.getVersionIdPart().equals("1"), "version 1");

        // conditional create: the one that is there
        MethodOutcome again = client.create().resource(patient).conditional()
                .where(Patient.IDENTIFIER.exactly().systemAndIdentifier(system, mark)).execute();
        check(again.getId().getIdPart().equals(id.getIdPart()), "the same patient");

        // search, with pages by next
        for (int i = 0; i < 5; i++) {
            client.create().resource(observation(mark, "Patient/" + id.getIdPart())).execute();
        }
        Bundle page = client.search().forResource(Observation.class).where(Observation.SUBJECT.hasId(id.toVersionless()))
                .count(2).returnBundle(Bundle.class).execute();
        Set<String> seen = new HashSet<>();
        int pages = 0;
        while (page != null) {
            pages++;
            page.getEntry().forEach(entry -> seen.add(entry.getResource().getIdElement().getIdPart()));
            page = page.getLink(Bundle.LINK_NEXT) == null ? null : client.loadPage().next(page).execute();
        }
        check(pages == 3 && seen.size() == 5, "three pages of five: " + pages + ", " + seen.size());

        // update with If-Match
        Patient read = client.read().resource(Patient.class).withId(id.toVersionless()).execute();
        read.setActive(true);
        MethodOutcome updated = client.update().resource(read).withAdditionalHeader("If-Match", "W/\"1\"").execute();
        check(updated.getId().getVersionIdPart().equals("2"), "version 2");
        try {
            client.update().resource(read).withAdditionalHeader("If-Match", "W/\"1\"").execute();
            throw new AssertionError("an old version was taken");
        } catch (PreconditionFailedException expected) {
            check(expected.getOperationOutcome() != null, "an OperationOutcome");
        }

        // patch
        client.patch().withBody("[{\"op\":\"replace\",\"path\":\"/active\",\"value\":false}]").withId(id.toVersionless()).execute();
        check(!client.read().resource(Patient.class).withId(id.toVersionless()).execute().getActive(), "patched");

        // transaction
        Bundle transaction = new Bundle().setType(Bundle.BundleType.TRANSACTION);
        transaction.addEntry().setFullUrl("urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a").setResource(new Patient())
                .getRequest().setMethod(Bundle.HTTPVerb.POST).setUrl("Patient");
        transaction.addEntry().setResource(observation(mark, "urn:uuid:61ebe359-bfdc-4613-8bf2-c5e300945f0a"))
                .getRequest().setMethod(Bundle.HTTPVerb.POST).setUrl("Observation");
        Bundle result = client.transaction().withBundle(transaction).execute();
        check(result.getEntry().size() == 2 && result.getEntry().get(1).getResponse().getStatus().startsWith("201"), "transaction");

        // history
        Bundle history = client.history().onInstance(id.toVersionless()).returnBundle(Bundle.class).execute();
        check(history.getEntry().size() == 3, "three versions");

        // refused, and deleted
        try {
            client.search().byUrl("Patient?no-such-parameter:exact=1").withAdditionalHeader("Prefer", "handling=strict")
                    .returnBundle(Bundle.class).execute();
            throw new AssertionError("an unknown parameter was taken");
        } catch (InvalidRequestException expected) {
            check(expected.getStatusCode() == 400, "400");
        }
        client.delete().resourceById(id.toVersionless()).execute();
        try {
            client.read().resource(Patient.class).withId(id.toVersionless()).execute();
            throw new AssertionError("a deleted patient was read");
        } catch (ResourceGoneException expected) {
            check(expected.getStatusCode() == 410, "410");
        }
        System.out.println("flow complete");
    }
}
