package io.sluice.mesh;

import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;

/**
 * What handshakes of mutual TLS between workloads may agree on: {@code tlsMinProtocolVersion},
 * {@code tlsMaxProtocolVersion}, {@code cipherSuites} and {@code ecdhCurves} of a MeshConfig.
 *
 * @param min oldest version
 * @param max newest version; not before {@code min}
 * @param suites all that may be agreed on, the preferred one first; where none is of TLS 1.3, all
 *     of that version may be, as in Envoy; empty: all there are
 * @param groups for the key exchange, the preferred one first; empty: all but P-384
 */
public record TlsParameters(Version min, Version max, List<Suite> suites, List<Group> groups) {
  /** Protocol versions that prove both ends without a flaw of their own. */
  public enum Version {
    /** RFC 5246, with the extensions of RFC 9325. */
    TLS_1_2("TLSv1_2", "TLSv1.2"),
    /** RFC 8446. */
    TLS_1_3("TLSv1_3", "TLSv1.3");

    private final String word;
    private final String protocol;

    Version(String word, String protocol) {
      this.word = word;
      this.protocol = protocol;
    }

    /** In a MeshConfig. */
    public String word() {
      return word;
    }

    /** By {@link #word}. */
    public static Optional<Version> of(String word) {
      return Stream.of(values()).filter(version -> version.word.equals(word)).findFirst();
    }

    /** As TLS stacks call it. */
    public String protocol() {
      return protocol;
    }
  }

  /** Suites with forward secrecy and authenticated encryption: what HTTP/2 permits. */
  public enum Suite {
    /** RFC 8446; the fastest on common hardware. */
    TLS_AES_128_GCM_SHA256(Version.TLS_1_3, "TLS_AES_128_GCM_SHA256"),
    /** RFC 8446. */
    TLS_AES_256_GCM_SHA384(Version.TLS_1_3, "TLS_AES_256_GCM_SHA384"),
    /** RFC 8446. */
    TLS_CHACHA20_POLY1305_SHA256(Version.TLS_1_3, "TLS_CHACHA20_POLY1305_SHA256"),
    /** RFC 5289. */
    TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256(Version.TLS_1_2, "ECDHE-ECDSA-AES128-GCM-SHA256"),
    /** RFC 5289. */
    TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384(Version.TLS_1_2, "ECDHE-ECDSA-AES256-GCM-SHA384"),
    /** RFC 7905. */
    TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256(Version.TLS_1_2, "ECDHE-ECDSA-CHACHA20-POLY1305"),
    /** RFC 5289. */
    TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256(Version.TLS_1_2, "ECDHE-RSA-AES128-GCM-SHA256"),
    /** RFC 5289. */
    TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384(Version.TLS_1_2, "ECDHE-RSA-AES256-GCM-SHA384"),
    /** RFC 7905. */
    TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256(Version.TLS_1_2, "ECDHE-RSA-CHACHA20-POLY1305");

    private final Version version;
    private final String openSslName;

    Suite(Version version, String openSslName) {
      this.version = version;
      this.openSslName = openSslName;
    }

    /** The only one that it belongs to. */
    public Version version() {
      return version;
    }

    /** By either name. */
    public static Optional<Suite> of(String name) {
      return Stream.of(values())
          .filter(suite -> suite.name().equals(name) || suite.openSslName.equals(name))
          .findFirst();
    }

    /** As openssl-ciphers(1) and Envoy call it; IANA's name is the constant's. */
    public String openSslName() {
      return openSslName;
    }

    /** Whether it proves the key of a workload's certificate, which is of P-256. */
    boolean isForEcdsa() {
      return version == Version.TLS_1_3 || name().contains("_ECDSA_");
    }
  }

  /** Groups for the key exchange. */
  public enum Group {
    /** The hybrid one; BoringSSL alone has it. */
    X25519_MLKEM_768("X25519MLKEM768"),
    /** RFC 7748. */
    X25519("X25519"),
    /** NIST's. */
    P_256("P-256"),
    /** NIST's. */
    P_384("P-384");

    private final String word;

    Group(String word) {
      this.word = word;
    }

    /** In a MeshConfig, and to BoringSSL. */
    public String word() {
      return word;
    }

    /** By {@link #word}. */
    public static Optional<Group> of(String word) {
      return Stream.of(values()).filter(group -> group.word.equals(word)).findFirst();
    }
  }

  /** The hybrid group first: what is recorded today is to stay secret. */
  private static final List<Group> USUAL_GROUPS =
      List.of(Group.X25519_MLKEM_768, Group.X25519, Group.P_256);

  /** TLS 1.3 with all of its suites. */
  public static final TlsParameters DEFAULTS =
      new TlsParameters(Version.TLS_1_3, Version.TLS_1_3, List.of(), List.of());

  /**
   * Copies the lists.
   *
   * @throws IllegalArgumentException where no handshake could succeed; the message says why
   */
  public TlsParameters {
    suites = suites.stream().distinct().toList();
    groups = groups.stream().distinct().toList();
    if (max.compareTo(min) < 0) {
      throw new IllegalArgumentException(
          "the newest version %s is older than the oldest, %s".formatted(max.word, min.word));
    }
    if (!groups.isEmpty() && groups.stream().allMatch(Group.X25519_MLKEM_768::equals)) {
      throw new IllegalArgumentException(
          "not every node has %s, so it cannot be the only group"
              .formatted(Group.X25519_MLKEM_768.word));
    }
    if (max == Version.TLS_1_2 && !groups.isEmpty() && !groups.contains(Group.P_256)) {
      throw new IllegalArgumentException(
          "TLSv1_2 needs the group %s, which the workloads' keys are of"
              .formatted(Group.P_256.word));
    }
    if (max == Version.TLS_1_2
        && !suites.isEmpty()
        && suites.stream()
            .noneMatch(suite -> suite.version == Version.TLS_1_2 && suite.isForEcdsa())) {
      throw new IllegalArgumentException(
          "no suite is one of TLSv1_2 for ECDSA, the kind of the workloads' keys");
    }
  }

  /** Versions that are offered and accepted; never empty. */
  public Set<Version> versions() {
    Set<Version> offered = EnumSet.range(min, max);
    offered.removeIf(version -> suitesOf(version).noneMatch(Suite::isForEcdsa));
    return offered;
  }

  /** Suites that are offered and accepted, of all {@link #versions}. */
  public List<Suite> offeredSuites() {
    return versions().stream()
        .sorted((one, other) -> other.compareTo(one))
        .flatMap(this::suitesOf)
        .toList();
  }

  private Stream<Suite> suitesOf(Version version) {
    List<Suite> named = suites.stream().filter(suite -> suite.version == version).toList();
    boolean all = suites.isEmpty() || version == Version.TLS_1_3 && named.isEmpty();
    return all
        ? Stream.of(Suite.values()).filter(suite -> suite.version == version)
        : named.stream();
  }

  /** Whether all suites of TLS 1.3 may be agreed on, in the usual order. */
  public boolean leavesTls13Alone() {
    return suites.stream().noneMatch(suite -> suite.version == Version.TLS_1_3);
  }

  /** Groups that are offered and accepted, where the stack has them. */
  public List<Group> offeredGroups() {
    return groups.isEmpty() ? USUAL_GROUPS : groups;
  }
}
