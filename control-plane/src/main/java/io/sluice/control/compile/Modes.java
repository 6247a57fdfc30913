package io.sluice.control.compile;

import io.sluice.control.manifest.WrittenDuration;
import io.sluice.control.objects.KubernetesObject;
import io.sluice.control.objects.MeshConfig;
import io.sluice.control.objects.MeshKey;
import io.sluice.mesh.ConnectionSettings;
import io.sluice.mesh.FailMode;
import io.sluice.mesh.LocalProxyMode;
import io.sluice.mesh.MetadataMode;
import io.sluice.mesh.MtlsMode;
import io.sluice.mesh.PingMode;
import io.sluice.mesh.SameNodeMtls;
import java.time.Duration;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * What one object says in the words that a Pod, its Namespace and the MeshConfig have in common;
 * the first of them that says anything counts. A word that is none counts as the safe one and is
 * told: a typing error must not open anything.
 *
 * @param mtls whether plaintext from outside the mesh is taken
 * @param metadata whether the cloud's metadata service may be called
 * @param ping which echo requests may be sent
 * @param sameNodeMtls whether connections within the node have mutual TLS
 * @param idleTimeout after which a silent connection is reset; zero means never
 * @param localProxy where connections to a pod find the application
 * @param fail what happens while no daemon runs; the MeshConfig has no word for it
 */
record Modes(
    Optional<MtlsMode> mtls,
    Optional<MetadataMode> metadata,
    Optional<PingMode> ping,
    Optional<SameNodeMtls> sameNodeMtls,
    Optional<Duration> idleTimeout,
    Optional<LocalProxyMode> localProxy,
    Optional<FailMode> fail) {
  /** Says nothing. */
  static final Modes NONE =
      new Modes(
          Optional.empty(),
          Optional.empty(),
          Optional.empty(),
          Optional.empty(),
          Optional.empty(),
          Optional.empty(),
          Optional.empty());

  private static final String NO_TIMEOUT = "none";

  /** The words of a Pod or a Namespace; wrong ones go to {@code statuses}. */
  static Modes annotated(KubernetesObject object, Statuses statuses) {
    return new Modes(
        annotation(object, MeshKey.MTLS_MODE, MtlsMode.class, MtlsMode.STRICT, statuses),
        annotation(
            object, MeshKey.METADATA_MODE, MetadataMode.class, MetadataMode.REFUSE, statuses),
        annotation(object, MeshKey.PING_MODE, PingMode.class, PingMode.PLAIN, statuses),
        annotation(
            object, MeshKey.SAME_NODE_MTLS, SameNodeMtls.class, SameNodeMtls.REQUIRED, statuses),
        idleTimeout(
            object, field(MeshKey.IDLE_TIMEOUT), said(object, MeshKey.IDLE_TIMEOUT), statuses),
        annotation(
            object,
            MeshKey.LOCAL_PROXY_MODE,
            LocalProxyMode.class,
            LocalProxyMode.POD_IP,
            statuses),
        annotation(object, MeshKey.FAIL, FailMode.class, FailMode.CLOSED, statuses));
  }

  /** The words of the MeshConfig. */
  static Modes of(MeshConfig config, Statuses statuses) {
    return new Modes(
        word(
            config,
            "spec.traffic.mtlsMode",
            config.mtlsModeOrNull(),
            MtlsMode.class,
            MtlsMode.STRICT,
            statuses),
        word(
            config,
            "spec.traffic.metadataMode",
            config.metadataModeOrNull(),
            MetadataMode.class,
            MetadataMode.REFUSE,
            statuses),
        word(
            config,
            "spec.traffic.pingMode",
            config.pingModeOrNull(),
            PingMode.class,
            PingMode.PLAIN,
            statuses),
        word(
            config,
            "spec.traffic.sameNodeMtls",
            config.sameNodeMtlsOrNull(),
            SameNodeMtls.class,
            SameNodeMtls.REQUIRED,
            statuses),
        idleTimeout(config, "spec.traffic.idleTimeout", config.idleTimeoutOrNull(), statuses),
        word(
            config,
            "spec.sidecar.localProxyMode",
            config.localProxyModeOrNull(),
            LocalProxyMode.class,
            LocalProxyMode.POD_IP,
            statuses),
        Optional.empty());
  }

  /** These words, and those of {@code other} where there is none. */
  Modes or(Modes other) {
    return new Modes(
        mtls.or(other::mtls),
        metadata.or(other::metadata),
        ping.or(other::ping),
        sameNodeMtls.or(other::sameNodeMtls),
        idleTimeout.or(other::idleTimeout),
        localProxy.or(other::localProxy),
        fail.or(other::fail));
  }

  /**
   * How the connections of a workload are carried that says this.
   *
   * @param measured what its Namespace says of metrics
   */
  ConnectionSettings connections(boolean measured) {
    return new ConnectionSettings(
        idleTimeout.orElse(Duration.ZERO),
        sameNodeMtls.orElse(SameNodeMtls.DISABLED),
        localProxy.orElse(LocalProxyMode.LOCALHOST),
        measured);
  }

  /** The word of one annotation; {@code safe} where it is none, which goes to the statuses. */
  static <E extends Enum<E>> Optional<E> annotation(
      KubernetesObject object, MeshKey key, Class<E> type, E safe, Statuses statuses) {
    return word(object, field(key), said(object, key), type, safe, statuses);
  }

  private static String field(MeshKey key) {
    return "metadata.annotations[\"" + key.key() + "\"]";
  }

  private static @Nullable String said(KubernetesObject object, MeshKey key) {
    return object.meta().annotations().get(key.key());
  }

  private static Optional<Duration> idleTimeout(
      KubernetesObject object, String field, @Nullable String text, Statuses statuses) {
    if (text == null) {
      return Optional.empty();
    }
    if (text.equals(NO_TIMEOUT)) {
      return Optional.of(Duration.ZERO);
    }
    try {
      Duration timeout = WrittenDuration.parse(text);
      if (timeout.isPositive() && timeout.compareTo(ConnectionSettings.MAX_IDLE) <= 0) {
        return Optional.of(timeout);
      }
    } catch (IllegalArgumentException e) {
      // As one that is out of its range.
    }
    statuses
        .on(Ground.WORD_UNKNOWN)
        .warning(
            object,
            field,
            "'" + text + "' is no idle time-out, so " + NO_TIMEOUT + " holds",
            "write none, or a time from 1s to 30d such as 90s, 30m, 24h");
    return Optional.of(Duration.ZERO);
  }

  /** How a word is written: as OSM does where it has such fields, else in small letters. */
  private static String written(Enum<?> mode) {
    return switch (mode) {
      case LocalProxyMode local -> local.word();
      case SameNodeMtls _, FailMode _, L7 _ -> mode.name().toLowerCase(Locale.ROOT);
      default -> mode.name();
    };
  }

  /** The same of a field with this text. */
  static <E extends Enum<E>> Optional<E> word(
      KubernetesObject object,
      String field,
      @Nullable String word,
      Class<E> type,
      E safe,
      Statuses statuses) {
    if (word == null) {
      return Optional.empty();
    }
    List<E> modes = List.of(type.getEnumConstants());
    Optional<E> known = modes.stream().filter(mode -> written(mode).equals(word)).findFirst();
    if (known.isEmpty()) {
      String others = String.join(", ", modes.stream().map(Modes::written).toList());
      statuses
          .on(Ground.WORD_UNKNOWN)
          .warning(
              object,
              field,
              "'" + word + "' is no mode, so " + written(safe) + " holds",
              "write " + others.replaceFirst(", (?=[A-Za-z]+$)", " or "));
    }
    return Optional.of(known.orElse(safe));
  }
}
