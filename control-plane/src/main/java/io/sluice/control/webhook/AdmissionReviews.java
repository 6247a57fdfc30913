package io.sluice.control.webhook;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.control.compile.CompilerSettings;
import io.sluice.control.manifest.YamlDocuments;
import io.sluice.control.validate.Finding;
import io.sluice.control.validate.Finding.Level;
import io.sluice.control.validate.ObjectsPresent;
import io.sluice.control.validate.Validation;
import io.sluice.mesh.NamespaceMembership;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/**
 * Answers an AdmissionReview ({@code admission.k8s.io/v1}): refuses an object of which the compiler
 * could use nothing, or that has a field that nobody knows, or that claims what another one has;
 * warns of one that it could use in part. It refuses in namespaces alone whose pods are in this
 * mesh: where some are, as while a namespace moves from another mesh, it warns, and of others it
 * says nothing, since another mesh may read them. A pure function of the request and of what is
 * known of the mesh.
 */
final class AdmissionReviews {
  private static final String API_VERSION = "admission.k8s.io/v1";
  private static final String KIND = "AdmissionReview";
  private static final int LONGEST_UID = 128;
  private static final int MOST_FINDINGS = 16;

  /** What the API server passes on of one warning (Kubernetes, "Dynamic Admission Control"). */
  private static final int LONGEST_WARNING = 256;

  private static final int UNPROCESSABLE = 422;

  private static final ObjectMapper JSON =
      new ObjectMapper(
          JsonFactory.builder()
              .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
              .streamReadConstraints(
                  StreamReadConstraints.builder()
                      .maxNestingDepth(2 * YamlDocuments.MAX_DEPTH)
                      .maxNumberLength(64)
                      .build())
              .build());

  private AdmissionReviews() {}

  /** That a request is none. The message says what is wrong with it. */
  static final class NoReviewException extends Exception {
    private static final long serialVersionUID = 1L;

    NoReviewException(String message) {
      super(message);
    }
  }

  /**
   * The review to answer with.
   *
   * @param present what is known of the mesh
   */
  static byte[] answer(byte[] body, CompilerSettings rules, ObjectsPresent present)
      throws NoReviewException {
    JsonNode request = request(body);
    JsonNode uid = request.path("uid");
    if (!uid.isTextual() || uid.asText().isEmpty() || uid.asText().length() > LONGEST_UID) {
      throw new NoReviewException("request.uid is missing or too long");
    }
    ObjectNode review = JsonNodeFactory.instance.objectNode();
    review.put("apiVersion", API_VERSION).put("kind", KIND);
    ObjectNode response = review.putObject("response").put("uid", uid.asText());
    JsonNode object = request.path("object");
    NamespaceMembership membership = membership(object, rules, present);
    if (object.isObject() && membership != NamespaceMembership.OUTSIDE) {
      JsonNode before = request.path("oldObject"); // of an UPDATE
      Validation validation =
          Validation.ofUpdate(
              "object",
              bytes(object),
              before.isObject() ? bytes(before) : new byte[0],
              rules,
              present::beside);
      decide(validation, membership, response);
    } else {
      response.put("allowed", true); // DELETE and CONNECT have no object
    }
    return bytes(review);
  }

  /**
   * Of a MeshConfig: one elsewhere has no effect here, and may be that of another mesh. Of a
   * Namespace: a word that says neither must not quietly leave its pods unprotected.
   */
  private static NamespaceMembership membership(
      JsonNode object, CompilerSettings rules, ObjectsPresent present) {
    String namespace = object.path("metadata").path("namespace").asText();
    return switch (object.path("kind").asText()) {
      case "Namespace" -> NamespaceMembership.INSIDE;
      case "MeshConfig" -> {
        String governing = rules.meshConfigNamespaceOrNull();
        yield governing == null || governing.equals(namespace)
            ? NamespaceMembership.INSIDE
            : NamespaceMembership.MIXED;
      }
      default -> present.membership(namespace);
    };
  }

  private static JsonNode request(byte[] body) throws NoReviewException {
    JsonNode review;
    try {
      review = JSON.readTree(body);
    } catch (IOException e) {
      throw new NoReviewException("the body is not JSON, or beyond what is read");
    }
    if (!review.path("apiVersion").asText().equals(API_VERSION)
        || !review.path("kind").asText().equals(KIND)) {
      throw new NoReviewException("this takes a " + KIND + " of " + API_VERSION);
    }
    return review.path("request");
  }

  private static void decide(
      Validation validation, NamespaceMembership membership, ObjectNode response) {
    List<Finding> errors = ofLevel(validation, Level.ERROR);
    boolean isAllowed = errors.isEmpty() || membership != NamespaceMembership.INSIDE;
    response.put("allowed", isAllowed);
    List<Finding> warnings = new ArrayList<>(ofLevel(validation, Level.WARNING));
    if (isAllowed) {
      warnings.addAll(0, errors);
    } else {
      String message =
          errors.stream().map(Finding::sentence).collect(Collectors.joining(". ", "sluice: ", "."));
      response
          .putObject("status")
          .put("code", UNPROCESSABLE)
          .put("reason", "Invalid")
          .put("message", message);
    }
    if (!warnings.isEmpty()) {
      var texts = response.putArray("warnings");
      warnings.forEach(warning -> texts.add(clipped("sluice: " + warning.sentence())));
    }
  }

  private static List<Finding> ofLevel(Validation validation, Level level) {
    return validation.findings().stream()
        .filter(finding -> finding.level() == level)
        .limit(MOST_FINDINGS)
        .toList();
  }

  private static String clipped(String text) {
    return text.length() <= LONGEST_WARNING ? text : text.substring(0, LONGEST_WARNING - 1) + "…";
  }

  private static byte[] bytes(JsonNode value) {
    try {
      return JSON.writeValueAsBytes(value);
    } catch (IOException e) {
      throw new IllegalStateException("a tree is written to memory", e);
    }
  }
}
