package io.sluice.control.compile;

import io.sluice.control.objects.MeshConfig;
import io.sluice.mesh.TlsParameters;
import io.sluice.mesh.TlsParameters.Group;
import io.sluice.mesh.TlsParameters.Suite;
import io.sluice.mesh.TlsParameters.Version;
import java.util.List;
import java.util.Optional;
import java.util.function.Function;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * The words of a MeshConfig about handshakes. What is unknown or unsafe changes nothing of its
 * field, and all four stay as they are by default where no handshake could succeed.
 */
record TlsWords(MeshConfig config, Statuses statuses) {
  private static final String SIDECAR = "spec.sidecar.";

  /** What Open Service Mesh calls its default. */
  private static final String AUTOMATIC = "TLS_AUTO";

  static TlsParameters read(MeshConfig config, Statuses statuses) {
    return new TlsWords(config, statuses).read(config.tls());
  }

  private TlsParameters read(MeshConfig.TlsFields fields) {
    Version max = version("tlsMaxProtocolVersion", fields.maxOrNull(), Version.TLS_1_3);
    Version min =
        version(
            "tlsMinProtocolVersion",
            fields.minOrNull(),
            fields.maxOrNull() == null ? TlsParameters.DEFAULTS.min() : max);
    List<Suite> suites =
        named(
            "cipherSuites",
            fields.suites(),
            Suite::of,
            Stream.of(Suite.values()).map(Suite::openSslName));
    List<Group> groups =
        named("ecdhCurves", fields.groups(), Group::of, Stream.of(Group.values()).map(Group::word));
    try {
      return new TlsParameters(min, max, suites, groups);
    } catch (IllegalArgumentException e) {
      statuses.warning(
          config,
          SIDECAR + "tlsMinProtocolVersion",
          e.getMessage() + ", so TLS 1.3 with all of its suites and groups holds",
          "write versions, cipherSuites and ecdhCurves that leave one of each");
      return TlsParameters.DEFAULTS;
    }
  }

  private Version version(String field, @Nullable String word, Version usual) {
    if (word == null || word.equals(AUTOMATIC)) {
      return usual;
    }
    return Version.of(word)
        .orElseGet(() -> {
          statuses
              .on(Ground.WORD_UNKNOWN)
              .warning(
                  config,
                  SIDECAR + field,
                  "'%s' is no version that is safe, so %s holds".formatted(word, usual.word()),
                  "write TLSv1_2 or TLSv1_3");
          return usual;
        });
  }

  /** What is known; an empty list where nothing is. */
  private <T> List<T> named(
      String field, List<String> words, Function<String, Optional<T>> known, Stream<String> all) {
    List<String> wrong = words.stream().filter(word -> known.apply(word).isEmpty()).toList();
    if (!wrong.isEmpty()) {
      statuses
          .on(Ground.WORD_UNKNOWN)
          .warning(
              config,
              SIDECAR + field,
              "unknown or unsafe: %s, so %s"
                  .formatted(
                      String.join(", ", wrong),
                      wrong.size() == words.size() ? "the default holds" : "the others hold"),
              "write some of " + all.collect(Collectors.joining(", ")));
    }
    return words.stream().map(known).flatMap(Optional::stream).toList();
  }
}
