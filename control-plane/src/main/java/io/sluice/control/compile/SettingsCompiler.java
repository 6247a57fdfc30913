package io.sluice.control.compile;

import io.sluice.control.objects.KubernetesObject;
import io.sluice.control.objects.KubernetesObject.Isolation;
import io.sluice.control.objects.MeshConfig;
import io.sluice.mesh.Cidr;
import io.sluice.mesh.DeniedPeers;
import io.sluice.mesh.HostNames;
import io.sluice.mesh.LogLevels;
import io.sluice.mesh.MeshSettings;
import io.sluice.mesh.Retirement;
import io.sluice.mesh.RevokedMode;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.SystemIdentity;
import io.sluice.mesh.TrustDomain;
import io.sluice.mesh.WireLimits;
import java.lang.System.Logger.Level;
import java.math.BigInteger;
import java.net.Inet4Address;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.BiConsumer;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/** Turns the MeshConfig in force into mesh-wide settings. */
final class SettingsCompiler {
  /** At most 20 octets (RFC 5280 §4.1.2.2), as openssl(1) prints them: with colons or without. */
  private static final Pattern SERIAL = Pattern.compile("[0-9a-f]{1,2}(?::?[0-9a-f]{2}){0,19}");

  private static final String DENIES_NOBODY = ", so it denies nobody";
  private static final String CIDRS = "spec.cidrs";
  private static final String DENIED_IDENTITIES = "spec.certificate.deniedIdentities";

  private static final int IPV6_BITS = 128;
  private static final Comparator<Cidr> BY_TEXT = Comparator.comparing(Cidr::toString);

  private SettingsCompiler() {}

  /**
   * The ranges of all of them, each once; of more than there may be {@linkplain #widened wider}
   * ones. One that cannot be read, or is one too many, is told as an error.
   */
  static List<Cidr> isolated(Collection<Isolation> isolations, Statuses statuses) {
    Set<Cidr> ranges = new HashSet<>();
    isolations.stream()
        .sorted(KubernetesObject.OLDER_FIRST)
        .forEach(isolation -> addRanges(isolation, ranges, statuses));
    return widened(ranges).stream().sorted(BY_TEXT).toList();
  }

  /**
   * As many as there may be, which hold all of {@code ranges}: neighbours become the range that
   * holds them, those first that have most in common. So none of them is let out.
   */
  private static Set<Cidr> widened(Set<Cidr> ranges) {
    Set<Cidr> kept = new HashSet<>(ranges);
    if (kept.size() > WireLimits.ISOLATED) {
      kept.removeIf(range ->
          IntStream.range(0, range.prefixLength())
              .anyMatch(length -> ranges.contains(Cidr.around(range.network(), length))));
    }
    for (int length = IPV6_BITS; kept.size() > WireLimits.ISOLATED; length--) {
      Map<Cidr, List<Cidr>> neighbours = new HashMap<>();
      for (Cidr range : kept) {
        neighbours.computeIfAbsent(around(range, length), first -> new ArrayList<>()).add(range);
      }
      neighbours.values().removeIf(held -> held.size() == 1);
      neighbours.entrySet().stream()
          .sorted(Map.Entry.comparingByKey(BY_TEXT))
          .takeWhile(_ -> kept.size() > WireLimits.ISOLATED)
          .forEach(each -> {
            each.getValue().forEach(kept::remove);
            kept.add(each.getKey());
          });
    }
    return kept;
  }

  /** Of IPv4 half as many bits say as much: /24 is given to whom /48 is. */
  private static Cidr around(Cidr range, int length) {
    int bits = range.network() instanceof Inet4Address ? (length + 1) / 2 : length;
    return bits < range.prefixLength() ? Cidr.around(range.network(), bits) : range;
  }

  private static void addRanges(Isolation isolation, Set<Cidr> ranges, Statuses statuses) {
    if (isolation.cidrs().isEmpty()) {
      statuses.add(
          isolation,
          Severity.UNUSABLE,
          CIDRS,
          "names no range, so nothing is isolated",
          "write ranges, such as 192.0.2.0/24");
    }
    Map<String, Cidr> read =
        parsed(
            CIDRS,
            isolation.cidrs(),
            Cidr::parse,
            (field, problem) ->
                statuses.add(
                    isolation,
                    Severity.UNUSABLE,
                    field,
                    problem + ", so it isolates nothing; the other ranges are isolated",
                    "write a range, such as 192.0.2.0/24"));
    boolean isTold = false;
    for (Map.Entry<String, Cidr> range : read.entrySet()) {
      if (ranges.add(range.getValue()) && ranges.size() > WireLimits.ISOLATED && !isTold) {
        isTold = true;
        statuses.add(
            isolation,
            Severity.UNUSABLE,
            range.getKey(),
            "is, with the ranges of older Isolations, more than the %d that there may be, so"
                    .formatted(WireLimits.ISOLATED)
                + " neighbours are isolated together with what is between them",
            "write fewer and wider ranges");
      }
    }
  }

  static MeshSettings compile(MeshConfig config, Statuses statuses) {
    Map<String, SpiffeId> denied =
        parsed(
            DENIED_IDENTITIES,
            config.deniedIdentities(),
            SpiffeId::parse,
            (field, problem) ->
                statuses.warning(config, field, problem + DENIES_NOBODY, SpiffeId.FORM_TO_WRITE));
    tellDenied(config, denied, statuses);
    if (config.mtlsDisabled() && !config.federatesWith().roots().isEmpty()) {
      statuses.warning(
          config,
          "spec.certificate.federatesWith",
          "nobody of another mesh is let in while"
              + " spec.sidecar.sidecarDisabledMTLS is true: only a certificate proves who he is",
          "remove sidecarDisabledMTLS, or the entries");
    }
    return new MeshSettings(
        config.permissive(),
        config.egress(),
        config.trustDomain(),
        !config.mtlsDisabled(),
        new DeniedPeers(
            in(denied.values(), domain -> !config.federatesWith().includes(domain)),
            in(denied.values(), config.federatesWith()::includes),
            Set.copyOf(
                parsed(
                        "spec.certificate.deniedSerials",
                        config.deniedSerials(),
                        SettingsCompiler::serial,
                        (field, problem) ->
                            statuses.warning(
                                config,
                                field,
                                problem + DENIES_NOBODY,
                                "write the serial number in hexadecimal, as in openssl x509"
                                    + " -serial"))
                    .values())),
        Modes.word(
                config,
                "spec.traffic.revokedConnections",
                config.revokedConnectionsOrNull(),
                RevokedMode.class,
                RevokedMode.CLOSE,
                statuses)
            .orElse(RevokedMode.CLOSE),
        Modes.word(
                config,
                "spec.traffic.retirement",
                config.retirementOrNull(),
                Retirement.class,
                Retirement.NONE,
                statuses)
            .orElse(Retirement.NONE),
        answerTimeout(config, statuses),
        List.of(),
        config.authorizationOrNull(),
        TlsWords.read(config, statuses),
        logs(config, statuses),
        config.federatesWith(),
        List.of(),
        HostNames.NONE,
        config.healthChecks(),
        new MeshSettings.Flags(config.flags(), config.debugServer()),
        leafLifetime(config, statuses),
        config.balancesHttp1(),
        config.reporting());
  }

  /** Null where it says nothing that can be used: then the controller's option holds. */
  private static @Nullable Duration leafLifetime(MeshConfig config, Statuses statuses) {
    String written = config.leafLifetimeOrNull();
    Duration lifetime = written == null ? null : CertificateCompiler.lifetimeOrNull(written);
    if (written != null && lifetime == null) {
      statuses.warning(
          config,
          "spec.certificate.serviceCertValidityDuration",
          "'"
              + written
              + "' is no time for which a certificate is issued, so that of the"
              + " controller's --leaf-lifetime holds",
          "write 1m to 168h, such as 24h");
    }
    return lifetime;
  }

  private static Duration answerTimeout(MeshConfig config, Statuses statuses) {
    Integer seconds = config.sidecarTimeoutOrNull();
    if (seconds == null) {
      return MeshSettings.DEFAULT_ANSWER_TIMEOUT;
    }
    Duration timeout = Duration.ofSeconds(seconds);
    if (timeout.compareTo(MeshSettings.MAX_ANSWER_TIMEOUT) > 0) {
      statuses.warning(
          config,
          "spec.sidecar.sidecarTimeout",
          seconds + " s is too long, so the default of 60 s holds",
          "write seconds up to %d, or 0 for no limit"
              .formatted(MeshSettings.MAX_ANSWER_TIMEOUT.toSeconds()));
      return MeshSettings.DEFAULT_ANSWER_TIMEOUT;
    }
    return timeout;
  }

  private static LogLevels logs(MeshConfig config, Statuses statuses) {
    Level mesh =
        level(
            config,
            "spec.observability.osmLogLevel",
            config.logLevelOrNull(),
            LogLevels.DEFAULTS.mesh(),
            statuses);
    return new LogLevels(
        mesh, level(config, "spec.sidecar.logLevel", config.proxyLogLevelOrNull(), mesh, statuses));
  }

  private static Level level(
      MeshConfig config, String field, @Nullable String word, Level usual, Statuses statuses) {
    if (word == null || word.isEmpty()) {
      return usual;
    }
    return LogLevels.level(word)
        .orElseGet(() -> {
          statuses
              .on(Ground.WORD_UNKNOWN)
              .warning(
                  config,
                  field,
                  "'%s' is no level, so %s holds".formatted(word, LogLevels.word(usual)),
                  "write " + LogLevels.WORDS);
          return usual;
        });
  }

  private static Set<SpiffeId> in(Collection<SpiffeId> identities, Predicate<TrustDomain> domains) {
    return identities.stream()
        .filter(identity -> domains.test(identity.trustDomain()))
        .collect(Collectors.toSet());
  }

  /**
   * Of entries that deny somebody of this mesh whom their author may not mean. Which domains the
   * mesh has had is not known here: a deny list has to outlive a change of the trust domain, so one
   * that is not federated counts as a former name.
   */
  private static void tellDenied(
      MeshConfig config, Map<String, SpiffeId> denied, Statuses statuses) {
    denied.forEach((field, identity) -> {
      TrustDomain domain = identity.trustDomain();
      if (config.federatesWith().includes(domain)) {
        return;
      }
      if (SystemIdentity.isSystem(identity)) {
        statuses
            .on(Ground.DENIES_OWN)
            .warning(
                config,
                field,
                "this would deny a part of the mesh itself",
                "deny its certificate by serial number instead");
      } else if (!domain.equals(config.trustDomain())) {
        statuses.warning(
            config,
            field,
            identity
                + " is of no trust domain in federatesWith, so as a former name it denies the own"
                + " account "
                + identity.serviceAccountName(),
            "remove it; or, to deny that account, write %s; or add %s to federatesWith"
                .formatted(identity.in(config.trustDomain()), domain));
      }
    });
  }

  /** What could be read, by its field. One that cannot be must not let the others through. */
  private static <T> Map<String, T> parsed(
      String field,
      List<String> texts,
      Function<String, T> parser,
      BiConsumer<String, @Nullable String> tell) {
    Map<String, T> values = new LinkedHashMap<>();
    for (int i = 0; i < texts.size(); i++) {
      String entry = field + "[" + i + "]";
      try {
        values.put(entry, parser.apply(texts.get(i)));
      } catch (IllegalArgumentException e) {
        tell.accept(entry, e.getMessage());
      }
    }
    return values;
  }

  private static BigInteger serial(String text) {
    String lower = text.toLowerCase(Locale.ROOT);
    BigInteger serial =
        SERIAL.matcher(lower).matches()
            ? new BigInteger(lower.replace(":", ""), 16)
            : BigInteger.ZERO;
    if (serial.signum() <= 0) {
      throw new IllegalArgumentException("'" + text + "' is no serial number of a certificate");
    }
    return serial;
  }
}
