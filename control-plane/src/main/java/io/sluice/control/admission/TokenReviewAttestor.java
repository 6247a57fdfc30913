package io.sluice.control.admission;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.control.admission.AdmissionException.Reason;
import io.sluice.control.kubernetes.KubernetesAccess;
import io.sluice.control.kubernetes.KubernetesApi;
import io.sluice.control.kubernetes.KubernetesApiException;
import io.sluice.control.objects.Rfc1123;
import io.sluice.mesh.NamespacedName;
import io.sluice.mesh.Printable;
import java.security.PublicKey;
import java.util.regex.Pattern;
import java.util.stream.StreamSupport;

/**
 * Admits by the projected service account token of the daemon's pod, which the API server checks
 * (TokenReview, {@code authentication.k8s.io/v1}).
 *
 * <p>The node's name is the one that the API server wrote into the token (Kubernetes 1.32; 1.30
 * with the feature gate {@code ServiceAccountTokenPodNodeInfo}). Where it wrote none, the token
 * names its pod, and the pod its node; the UID has to fit, so that a pod of the same name cannot
 * stand in for one that has gone.
 *
 * <p>Any thread; blocks for at most two requests.
 *
 * @param api not closed here
 * @param account service account of the nodes' daemon
 */
public record TokenReviewAttestor(KubernetesApi api, NamespacedName account)
    implements NodeAttestor {
  /** What tokens for the mesh are issued for; others are of no use here, nor these elsewhere. */
  public static final String AUDIENCE = "sluice";

  private static final String REVIEWS = "/apis/authentication.k8s.io/v1/tokenreviews";
  private static final String CLAIM = "authentication.kubernetes.io/";

  private static final String NEXT_TOKEN = "try with the token of a pod that runs";

  /** RSA-signed tokens with all claims take about 1.2 KiB. */
  private static final int LONGEST_TOKEN = 8192;

  private static final int LONGEST_QUOTE = 200;

  /** A JSON Web Token: three parts in base64url. */
  private static final Pattern FORM =
      Pattern.compile("[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+\\.[A-Za-z0-9_-]+");

  @Override
  public AdmittedNode admit(String token, String claimedName, PublicKey key) {
    if (token.length() > LONGEST_TOKEN || !FORM.matcher(token).matches()) {
      throw new AdmissionException(
          Reason.MALFORMED,
          "the credential is no service account token",
          "mount a projected one with audience " + AUDIENCE);
    }
    JsonNode status = reviewed(token);
    requireAudience(status);
    JsonNode user = status.path("user");
    String expected = "system:serviceaccount:" + account.namespace() + ":" + account.name();
    String actual = user.path("username").asText();
    if (!actual.equals(expected)) {
      throw new AdmissionException(
          Reason.WRONG_ACCOUNT,
          "the token is of '" + shown(actual) + "'",
          "nodes run as '" + expected + "'");
    }
    String name = nodeName(user.path("extra"));
    AdmittedNode node = new AdmittedNode(name, "TokenReview of " + expected);
    NodeAttestor.requireName(name, claimedName);
    return node;
  }

  private JsonNode reviewed(String token) {
    ObjectNode review = JsonNodeFactory.instance.objectNode();
    review.put("apiVersion", "authentication.k8s.io/v1").put("kind", "TokenReview");
    review.putObject("spec").put("token", token).putArray("audiences").add(AUDIENCE);
    JsonNode status;
    try {
      status = api.post(REVIEWS, review).path("status");
    } catch (KubernetesApiException e) {
      throw unreachable("allow the controller to create tokenreviews.authentication.k8s.io", e);
    }
    if (!status.path("authenticated").asBoolean()) {
      throw refused(status.path("error").asText());
    }
    return status;
  }

  /** The API server has no codes for these, only the texts of its token authenticator. */
  private static AdmissionException refused(String error) {
    Reason reason =
        error.contains("audience")
            ? Reason.WRONG_AUDIENCE
            : error.contains("expired") ? Reason.EXPIRED : Reason.UNKNOWN;
    return new AdmissionException(
        reason,
        "the API server does not take the token (" + shown(error) + ")",
        "mount a projected one with audience " + AUDIENCE);
  }

  /** An API server that does not know audiences would take tokens meant for itself. */
  private static void requireAudience(JsonNode status) {
    if (StreamSupport.stream(status.path("audiences").spliterator(), false)
        .noneMatch(audience -> audience.asText().equals(AUDIENCE))) {
      throw new AdmissionException(
          Reason.WRONG_AUDIENCE,
          "the API server does not confirm the audience " + AUDIENCE,
          "mount a projected token with it");
    }
  }

  private String nodeName(JsonNode extra) {
    String named = only(extra, "node-name");
    if (!named.isEmpty()) {
      return checked(named);
    }
    String pod = only(extra, "pod-name");
    String uid = only(extra, "pod-uid");
    if (pod.isEmpty() || uid.isEmpty()) {
      throw new AdmissionException(
          Reason.WRONG_ACCOUNT,
          "the token is not bound to a pod",
          "mount a projected one instead of a Secret's");
    }
    JsonNode found;
    try {
      found = api.get("/api/v1/namespaces/" + account.namespace() + "/pods/" + checked(pod));
    } catch (KubernetesApiException e) {
      if (e.failure() == KubernetesApiException.Failure.NOT_FOUND) {
        throw new AdmissionException(
            Reason.UNKNOWN, "pod " + pod + " of the token has gone", NEXT_TOKEN, e);
      }
      throw unreachable("allow the controller to get pods in " + account.namespace(), e);
    }
    if (!found.path("metadata").path("uid").asText().equals(uid)) {
      throw new AdmissionException(
          Reason.UNKNOWN,
          "pod " + pod + " of the token has gone, another has its name",
          NEXT_TOKEN);
    }
    return checked(found.path("spec").path("nodeName").asText());
  }

  private static String only(JsonNode extra, String claim) {
    JsonNode values = extra.path(CLAIM + claim);
    return values.size() == 1 ? values.path(0).asText() : "";
  }

  /** A part of a URL and of an identity, so of no other form than Kubernetes' own names. */
  private static String checked(String name) {
    if (!Rfc1123.isSubdomain(name)) {
      throw new AdmissionException(
          Reason.UNKNOWN, "the API server names no node by '" + shown(name) + "'", NEXT_TOKEN);
    }
    return name;
  }

  private static AdmissionException unreachable(String mend, KubernetesApiException e) {
    boolean ours =
        switch (e.failure()) {
          case UNAUTHENTICATED, FORBIDDEN, NOT_FOUND, REJECTED -> true;
          case UNREACHABLE, BUSY, CONFLICT -> false;
        };
    return new AdmissionException(
        Reason.BACKEND_UNREACHABLE,
        String.valueOf(e.getMessage()),
        ours ? mend : "the next try may succeed",
        e);
  }

  private static String shown(String text) {
    return Printable.text(text.strip(), LONGEST_QUOTE);
  }

  /**
   * By which service account nodes prove themselves, and which cluster is asked about it.
   *
   * @param account of the nodes' daemon
   * @param cluster where tokens are reviewed
   */
  public record NodeAccount(NamespacedName account, KubernetesAccess cluster) {}
}
