package io.sluice.node.identity;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.sluice.mesh.FederatedBundles;
import io.sluice.mesh.SystemIdentity;
import io.sluice.mesh.svid.Certificates;
import io.sluice.mesh.svid.SiteTime;
import io.sluice.node.identity.ControlSettings.Admission;
import io.sluice.node.identity.store.CredentialStore;
import io.sluice.node.identity.store.KeptNode;
import io.sluice.node.identity.store.StoreException;
import io.sluice.node.identity.x509.Credential;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Until when a node lives without its controller, and what ends first.
 *
 * @param now by the clock that certificates are judged by
 * @param doubt why that is not the wall clock, but a moment that has passed at least; empty where
 *     it is
 * @param ends of each thing that it lives by, the first one first; what has no end comes last
 */
public record OfflineReport(Instant now, String doubt, List<End> ends) {
  private static final String NONE = "-";
  private static final String ASK = "`sluice offline extend` asks for another now";

  /**
   * One thing that the node lives by.
   *
   * @param what certificate, node-certificate, root, federated-mesh, snapshot, admission or keys
   * @param subject whose it is
   * @param untilOrNull the last moment of it; null where time does not end it
   * @param stops what no longer works after that, or how it stands
   * @param extension what lengthens it
   */
  public record End(
      String what, String subject, @Nullable Instant untilOrNull, String stops, String extension) {}

  public OfflineReport {
    ends =
        ends.stream()
            .sorted(
                Comparator.comparing(
                    end -> end.untilOrNull() == null ? Instant.MAX : end.untilOrNull()))
            .toList();
  }

  /** Of a node whose daemon runs; {@code snapshot} is how that stands. */
  public static OfflineReport of(NodeIdentities identities, End snapshot) {
    List<End> ends = new ArrayList<>();
    for (CertificateStatus one : identities.certificates()) {
      Instant until = one.facts().map(CertificateStatus.Facts::notAfter).orElse(null);
      if (SystemIdentity.isSystem(one.identity())) {
        ends.add(node(one.identity().toString(), until));
      } else if (until == null) {
        ends.add(new End("certificate", one.identity().toString(), null, "there is none yet", ASK));
      } else {
        ends.add(workload(one.identity().toString(), until));
      }
    }
    identities.roots().forEach(root -> ends.add(root(root)));
    ends.addAll(links(identities.federated()));
    ends.add(admission(identities.admission()));
    ends.add(keys(identities.keepsKeys()));
    ends.add(snapshot);
    return of(identities.time(), ends);
  }

  /**
   * Of a node whose daemon does not run, by what it has kept, its clock's floor with it.
   *
   * @param directory of its certificates; nothing is made in it
   * @param sealKey with which they are sealed
   * @throws StoreException when it cannot be read
   */
  public static OfflineReport ofKept(Path directory, Path sealKey, End snapshot, SiteTime clock) {
    List<End> ends = new ArrayList<>();
    if (Files.exists(sealKey)) {
      CredentialStore store = CredentialStore.open(directory, sealKey);
      Optional<KeptNode> node = store.node();
      node.ifPresent(kept -> {
        ends.add(node(kept.credential().identity().toString(), kept.credential().end()));
        kept.roots().roots().forEach(root -> ends.add(root(root)));
        ends.addAll(links(kept.roots().federated().orElse(FederatedBundles.NONE)));
      });
      List<Credential> kept = store.workloads(problem -> {});
      kept.forEach(one -> ends.add(workload(one.identity().toString(), one.end())));
      ends.add(keys(!kept.isEmpty()));
    }
    ends.add(snapshot);
    return of(clock, ends);
  }

  /** Counted by that clock. */
  public static OfflineReport of(SiteTime clock, List<End> ends) {
    return new OfflineReport(clock.instant(), clock.doubt(), ends);
  }

  private static End workload(String identity, Instant until) {
    return new End(
        "certificate",
        identity,
        until,
        "its pods open and take no further connections to and from other nodes",
        ASK);
  }

  private static End node(String identity, @Nullable Instant until) {
    return new End(
        "node-certificate",
        identity,
        until,
        "its link to the controller: it has to be admitted anew before it gets any certificate",
        ASK);
  }

  private static End root(X509Certificate root) {
    return new End(
        "root",
        Certificates.id(root),
        root.getNotAfter().toInstant(),
        "no certificate that leads to it is believed",
        "only at the controller: `sluice control rotate-root`");
  }

  /** To each other mesh: by any of its roots, so until the last one ends. */
  private static List<End> links(FederatedBundles others) {
    List<End> links = new ArrayList<>();
    others
        .roots()
        .forEach((domain, roots) ->
            links.add(
                new End(
                    "federated-mesh",
                    domain.name(),
                    roots.stream()
                        .map(root -> root.getNotAfter().toInstant())
                        .max(Comparator.naturalOrder())
                        .orElse(null),
                    "no pod of that mesh proves who it is here: calls from it and to it are refused",
                    "only at the controller: spec.certificate.federatesWith of the MeshConfig")));
    return links;
  }

  private static End admission(Admission admission) {
    return switch (admission) {
      case Admission.JoinToken(Path file) ->
          new End(
              "admission",
              file.toString(),
              null,
              "not needed before the node's certificate ends; good for one admission",
              "`sluice control token` makes another, at the controller");
      case Admission.ServiceAccountToken(Path file, Path _) ->
          new End(
              "admission",
              file.toString(),
              null,
              "not needed before the node's certificate ends",
              "the kubelet renews it");
    };
  }

  private static End keys(boolean kept) {
    return new End(
        "keys",
        kept ? "kept" : "not kept",
        null,
        kept
            ? "a power cut ends nothing"
            : "a power cut ends every pod's certificate until the controller answers",
        kept ? NONE : "`node run --keep-keys`");
  }

  /** What ends first; empty where time ends nothing. */
  public Optional<End> first() {
    return ends.stream().filter(end -> end.untilOrNull() != null).findFirst();
  }

  /** For the admin socket and for programs. */
  public ObjectNode toJson() {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("now", text(now));
    json.put("timeTrusted", doubt.isEmpty());
    json.put("timeProblem", doubt.isEmpty() ? NONE : doubt);
    json.put("until", first().map(End::untilOrNull).map(OfflineReport::text).orElse(NONE));
    json.put("first", first().map(end -> end.what() + " " + end.subject()).orElse(NONE));
    ArrayNode all = json.putArray("ends");
    for (End end : ends) {
      Instant until = end.untilOrNull();
      all.addObject()
          .put("what", end.what())
          .put("subject", end.subject())
          .put("until", until == null ? NONE : text(until))
          .put("remaining", until == null ? NONE : remaining(Duration.between(now, until)))
          .put("remainingSeconds", until == null ? -1 : Duration.between(now, until).toSeconds())
          .put("stops", end.stops())
          .put("extension", end.extension());
    }
    return json;
  }

  private static String text(Instant instant) {
    return instant.truncatedTo(ChronoUnit.SECONDS).toString();
  }

  private static String remaining(Duration left) {
    if (left.isNegative()) {
      return "ended";
    }
    return left.toDays() > 0
        ? "%sd%sh".formatted(left.toDays(), left.toHoursPart())
        : left.toHours() > 0
            ? "%sh%sm".formatted(left.toHours(), left.toMinutesPart())
            : "%sm%ss".formatted(left.toMinutes(), left.toSecondsPart());
  }
}
