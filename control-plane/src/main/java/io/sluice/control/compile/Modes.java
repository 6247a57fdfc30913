package io.sluice.control.compile;

import io.sluice.control.objects.KubernetesObject;
import io.sluice.control.objects.MeshConfig;
import io.sluice.control.objects.MeshKey;
import io.sluice.mesh.FailMode;
import io.sluice.mesh.MetadataMode;
import io.sluice.mesh.MtlsMode;
import io.sluice.mesh.PingMode;
import java.util.List;
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
 * @param fail what happens while no daemon runs; the MeshConfig has no word for it
 */
record Modes(
    Optional<MtlsMode> mtls,
    Optional<MetadataMode> metadata,
    Optional<PingMode> ping,
    Optional<FailMode> fail) {
  /** Says nothing. */
  static final Modes NONE =
      new Modes(Optional.empty(), Optional.empty(), Optional.empty(), Optional.empty());

  /** The words of a Pod or a Namespace; wrong ones go to {@code statuses}. */
  static Modes annotated(KubernetesObject object, Statuses statuses) {
    return new Modes(
        annotation(object, MeshKey.MTLS_MODE, MtlsMode.class, MtlsMode.STRICT, statuses),
        annotation(
            object, MeshKey.METADATA_MODE, MetadataMode.class, MetadataMode.REFUSE, statuses),
        annotation(object, MeshKey.PING_MODE, PingMode.class, PingMode.PLAIN, statuses),
        fail(object, statuses));
  }

  /** In small letters, as the value of an annotation that turns something on is. */
  private static Optional<FailMode> fail(KubernetesObject object, Statuses statuses) {
    String word = object.meta().annotations().get(MeshKey.FAIL.key());
    if (word != null && !word.equals("open") && !word.equals("closed")) {
      statuses.warning(
          object,
          "metadata.annotations[\""
              + MeshKey.FAIL.key()
              + "\"]: '"
              + word
              + "' is no mode, so closed holds",
          "write open or closed");
    }
    return Optional.ofNullable(word)
        .map(said -> said.equals("open") ? FailMode.OPEN : FailMode.CLOSED);
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
        Optional.empty());
  }

  /** These words, and those of {@code other} where there is none. */
  Modes or(Modes other) {
    return new Modes(
        mtls.or(other::mtls),
        metadata.or(other::metadata),
        ping.or(other::ping),
        fail.or(other::fail));
  }

  private static <E extends Enum<E>> Optional<E> annotation(
      KubernetesObject object, MeshKey key, Class<E> type, E safe, Statuses statuses) {
    return word(
        object,
        "metadata.annotations[\"" + key.key() + "\"]",
        object.meta().annotations().get(key.key()),
        type,
        safe,
        statuses);
  }

  private static <E extends Enum<E>> Optional<E> word(
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
    Optional<E> known = modes.stream().filter(mode -> mode.name().equals(word)).findFirst();
    if (known.isEmpty()) {
      String others = String.join(", ", modes.stream().map(Enum::name).toList());
      statuses.warning(
          object,
          field + ": '" + word + "' is no mode, so " + safe + " holds",
          "write " + others.replaceFirst(", (?=[A-Z]+$)", " or "));
    }
    return Optional.of(known.orElse(safe));
  }
}
