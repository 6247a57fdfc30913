package io.sluice.control.authority.certmanager;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.control.authority.AuthorityException;
import io.sluice.control.authority.AuthorityException.Reason;
import io.sluice.control.authority.CertificateRequest;
import io.sluice.control.authority.remote.RemoteIssuing.Deadline;
import io.sluice.control.kubernetes.KubernetesApi;
import io.sluice.control.kubernetes.KubernetesApiException;
import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Base64;
import java.util.HashSet;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;

/**
 * The CertificateRequest objects ({@code cert-manager.io/v1}) of this controller: each lives from
 * its creation to the end of its issuing, whatever that end is. Any thread.
 */
final class CertificateRequests {
  private static final Logger LOG = System.getLogger(CertificateRequests.class.getName());
  private static final String LABEL = "app.kubernetes.io/managed-by";
  private static final String VALUE = "sluice-controller";
  private static final Duration FIRST_PAUSE = Duration.ofMillis(50);
  private static final int LONGEST_PAUSE_DOUBLINGS = 4;
  private static final int MOST_SWEPT_AT_ONCE = 500;

  private final KubernetesApi api;
  private final CertManagerSettings settings;
  private final String path;
  private final Set<String> inUse = ConcurrentHashMap.newKeySet();

  /** Objects of our label that were there at the last look, and not in use by us. */
  private Set<String> abandoned = Set.of();

  CertificateRequests(KubernetesApi api, CertManagerSettings settings) {
    this.api = api;
    this.settings = settings;
    this.path =
        "/apis/cert-manager.io/v1/namespaces/" + settings.namespace() + "/certificaterequests";
  }

  /** The status of a CertificateRequest that is ready; the object itself has gone. */
  JsonNode issue(CertificateRequest request, Deadline deadline) {
    JsonNode created = call(() -> api.post(path, object(request)));
    String name = created.path("metadata").path("name").asText();
    if (!name.matches("[a-z0-9.-]{1,253}")) {
      throw new AuthorityException(
          Reason.BACKEND_UNREACHABLE,
          subject(name),
          "the API server answered no object",
          "look whether the address is the API server's");
    }
    inUse.add(name);
    try {
      JsonNode current = created;
      for (int looks = 0; !isReady(current, name); looks++) {
        pause(name, looks, deadline);
        current = call(() -> api.get(path + "/" + name));
      }
      return current.path("status");
    } finally {
      remove(name);
    }
  }

  private ObjectNode object(CertificateRequest request) {
    ObjectNode object = JsonNodeFactory.instance.objectNode();
    object.put("apiVersion", "cert-manager.io/v1").put("kind", "CertificateRequest");
    ObjectNode metadata = object.putObject("metadata").put("generateName", "sluice-");
    metadata.putObject("labels").put(LABEL, VALUE);
    metadata.putObject("annotations").put("sluice.io/identity", request.identity().toString());
    ObjectNode spec = object.putObject("spec");
    byte[] pem = request.proof().pem().getBytes(StandardCharsets.US_ASCII);
    spec.put("request", Base64.getEncoder().encodeToString(pem));
    spec.put("duration", request.lifetime().toSeconds() + "s");
    spec.put("isCA", false);
    spec.putArray("usages").add("digital signature").add("server auth").add("client auth");
    spec.putObject("issuerRef")
        .put("name", settings.issuer().name())
        .put("kind", settings.issuer().kind())
        .put("group", settings.issuer().group());
    return object;
  }

  /** False while nothing is decided. */
  private boolean isReady(JsonNode object, String name) {
    for (JsonNode condition : object.path("status").path("conditions")) {
      String type = condition.path("type").asText();
      boolean holds = condition.path("status").asText().equals("True");
      String reason = condition.path("reason").asText();
      String message = condition.path("message").asText();
      boolean isReady = type.equals("Ready");
      if ((holds && type.equals("Denied")) || (isReady && !holds && reason.equals("Denied"))) {
        throw refused(name, "it was denied: " + message, "let the approver allow our requests");
      }
      if (holds && type.equals("InvalidRequest")) {
        throw refused(name, "it is invalid: " + message, "correct the issuer or what it allows");
      }
      if (isReady && !holds && reason.equals("Failed")) {
        throw refused(name, "the issuer failed: " + message, "look at the issuer's status");
      }
      if (isReady && holds) {
        return true;
      }
    }
    return false;
  }

  private void pause(String name, int looks, Deadline deadline) {
    Duration pause = FIRST_PAUSE.multipliedBy(1L << Math.min(looks, LONGEST_PAUSE_DOUBLINGS));
    AuthorityException late =
        new AuthorityException(
            Reason.BACKEND_UNAVAILABLE,
            subject(name),
            "it is not ready after " + settings.patience(),
            "look whether cert-manager runs, its approver approves, and "
                + settings.issuer()
                + " is ready");
    if (deadline.isWithin(pause)) {
      throw late;
    }
    try {
      Thread.sleep(pause);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw late;
    }
  }

  /** What cannot be removed now is found by a later {@link #sweep}. */
  private void remove(String name) {
    try {
      api.delete(path + "/" + name);
    } catch (KubernetesApiException e) {
      LOG.log(Level.WARNING, "certmanager_request_not_removed name={0} {1}", name, e.getMessage());
    } finally {
      inUse.remove(name);
    }
  }

  /**
   * Removes objects of our label that were there at the last sweep too, and that this process does
   * not wait for: an earlier process left them, or they could not be removed. Sweeps are further
   * apart than anybody waits, so another controller does not wait for them either. One thread.
   */
  void sweep() {
    Set<String> found = new HashSet<>();
    String query = "?labelSelector=" + LABEL + "%3D" + VALUE + "&limit=" + MOST_SWEPT_AT_ONCE;
    for (JsonNode item : api.get(path + query).path("items")) {
      found.add(item.path("metadata").path("name").asText());
    }
    found.removeAll(inUse);
    int removed = 0;
    for (String name : found) {
      if (abandoned.contains(name)) {
        api.delete(path + "/" + name);
        removed++;
      }
    }
    abandoned = Set.copyOf(found);
    if (removed > 0) {
      LOG.log(Level.INFO, "certmanager_leftovers_removed count={0}", removed);
    }
  }

  /** Asks the API server for nothing but whether it serves us. */
  void probe() {
    call(() -> api.get(path + "?limit=1"));
  }

  private <T> T call(Supplier<T> request) {
    try {
      return request.get();
    } catch (KubernetesApiException e) {
      Reason reason =
          switch (e.failure()) {
            case UNREACHABLE -> Reason.BACKEND_UNREACHABLE;
            case BUSY, CONFLICT -> Reason.BACKEND_UNAVAILABLE;
            case UNAUTHENTICATED, FORBIDDEN -> Reason.BACKEND_CREDENTIAL_REFUSED;
            case NOT_FOUND, REJECTED -> Reason.BACKEND_REFUSED;
          };
      throw new AuthorityException(
          reason,
          "cert-manager in namespace " + settings.namespace(),
          String.valueOf(e.getMessage()),
          "check that cert-manager is installed and what our service account may do: see"
              + " \"cert-manager\" in docs/identity.md",
          e);
    }
  }

  private AuthorityException refused(String name, String problem, String mend) {
    return new AuthorityException(Reason.BACKEND_REFUSED, subject(name), problem, mend);
  }

  private String subject(String name) {
    return "CertificateRequest " + settings.namespace() + "/" + name;
  }
}
