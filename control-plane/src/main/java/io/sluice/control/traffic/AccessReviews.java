package io.sluice.control.traffic;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.control.kubernetes.KubernetesApi;
import io.sluice.control.limit.BoundedMap;
import io.sluice.control.traffic.FrontProxy.Caller;
import io.sluice.mesh.Sha256;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Map;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Whether somebody may ask, as the cluster's own rules have it: the API server is asked
 * (SubjectAccessReview, {@code authorization.k8s.io/v1}). Any thread.
 */
final class AccessReviews {
  static final String PATH = "/apis/authorization.k8s.io/v1/subjectaccessreviews";

  /** For how long an answer holds. */
  private static final Duration KEPT = Duration.ofSeconds(10);

  private static final int MOST_KEPT = 256;

  private final KubernetesApi api;
  private final InstantSource clock;

  /** By hashes, since callers choose how long names and paths are. */
  final Map<String, Reviewed> kept = BoundedMap.byUse(MOST_KEPT); // guarded by itself

  record Reviewed(boolean isAllowed, Instant end) {}

  /**
   * @param api not closed here
   */
  AccessReviews(KubernetesApi api, InstantSource clock) {
    this.api = api;
    this.clock = clock;
  }

  /**
   * @param asked adds what is asked for to the spec of the review
   * @throws io.sluice.control.kubernetes.KubernetesApiException where nobody says
   */
  boolean allow(Caller caller, Consumer<ObjectNode> asked) {
    ObjectNode spec = JsonNodeFactory.instance.objectNode().put("user", caller.user());
    if (!caller.uid().isEmpty()) {
      spec.put("uid", caller.uid());
    }
    caller.groups().forEach(spec.putArray("groups")::add);
    ObjectNode extra = spec.putObject("extra");
    caller.extra().forEach((key, values) -> values.forEach(extra.withArrayProperty(key)::add));
    asked.accept(spec);
    String key = Sha256.hex(spec.toString().getBytes(StandardCharsets.UTF_8));
    Instant now = clock.instant();
    synchronized (kept) {
      @Nullable Reviewed known = kept.get(key);
      if (known != null && now.isBefore(known.end)) {
        return known.isAllowed;
      }
    }
    ObjectNode review =
        JsonNodeFactory.instance
            .objectNode()
            .put("apiVersion", "authorization.k8s.io/v1")
            .put("kind", "SubjectAccessReview");
    review.set("spec", spec);
    boolean isAllowed = api.post(PATH, review).path("status").path("allowed").asBoolean();
    synchronized (kept) {
      kept.values().removeIf(each -> !now.isBefore(each.end));
      kept.put(key, new Reviewed(isAllowed, now.plus(KEPT)));
    }
    return isAllowed;
  }
}
