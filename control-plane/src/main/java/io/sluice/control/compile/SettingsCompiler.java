package io.sluice.control.compile;

import io.sluice.control.objects.MeshConfig;
import io.sluice.mesh.DeniedPeers;
import io.sluice.mesh.MeshSettings;
import io.sluice.mesh.Retirement;
import io.sluice.mesh.RevokedMode;
import io.sluice.mesh.SpiffeId;
import io.sluice.mesh.TrustDomain;
import java.math.BigInteger;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** Turns the MeshConfig in force into mesh-wide settings. */
final class SettingsCompiler {
  /** At most 20 octets (RFC 5280 §4.1.2.2), as openssl(1) prints them: with colons or without. */
  private static final Pattern SERIAL = Pattern.compile("[0-9a-f]{1,2}(?::?[0-9a-f]{2}){0,19}");

  private static final String DENIED_IDENTITIES = "spec.certificate.deniedIdentities";

  private SettingsCompiler() {}

  static MeshSettings compile(MeshConfig config, Statuses statuses) {
    Set<SpiffeId> denied =
        parsed(
            config,
            DENIED_IDENTITIES,
            config.deniedIdentities(),
            SpiffeId::parse,
            SpiffeId.FORM_TO_WRITE,
            statuses);
    tellStrangers(config, denied, statuses);
    return new MeshSettings(
        config.permissive(),
        config.egress(),
        config.trustDomain(),
        !config.mtlsDisabled(),
        new DeniedPeers(
            in(denied, domain -> !config.federatesWith().includes(domain)),
            in(denied, config.federatesWith()::includes),
            parsed(
                config,
                "spec.certificate.deniedSerials",
                config.deniedSerials(),
                SettingsCompiler::serial,
                "write the serial number in hexadecimal, as in openssl x509 -serial",
                statuses)),
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
        config.federatesWith(),
        List.of());
  }

  private static Set<SpiffeId> in(Set<SpiffeId> identities, Predicate<TrustDomain> domains) {
    return identities.stream()
        .filter(identity -> domains.test(identity.trustDomain()))
        .collect(Collectors.toSet());
  }

  /**
   * A former trust domain of the mesh, or one whose bundle was taken away: the mesh's own loses.
   */
  private static void tellStrangers(MeshConfig config, Set<SpiffeId> denied, Statuses statuses) {
    denied.stream()
        .filter(identity -> !config.federatesWith().includes(identity.trustDomain()))
        .filter(identity -> !identity.trustDomain().equals(config.trustDomain()))
        .sorted(Comparator.comparing(SpiffeId::toString))
        .forEach(identity ->
            statuses.info(
                config,
                DENIED_IDENTITIES
                    + ": "
                    + identity
                    + " is of a trust domain that the mesh does not federate with, so it counts as a"
                    + " former name of its own account "
                    + identity.serviceAccountName()));
  }

  /** One entry that cannot be read must not let the others through. */
  private static <T> Set<T> parsed(
      MeshConfig config,
      String field,
      List<String> texts,
      Function<String, T> parser,
      String mend,
      Statuses statuses) {
    Set<T> values = new HashSet<>();
    for (int i = 0; i < texts.size(); i++) {
      try {
        values.add(parser.apply(texts.get(i)));
      } catch (IllegalArgumentException e) {
        statuses.warning(
            config, field + "[" + i + "]: " + e.getMessage() + ", so it denies nobody", mend);
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
