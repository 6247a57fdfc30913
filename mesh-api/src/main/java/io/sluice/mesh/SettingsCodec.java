package io.sluice.mesh;

import com.google.protobuf.ByteString;
import io.sluice.api.resources.v1.Authorization;
import io.sluice.api.resources.v1.LogLevel;
import io.sluice.api.resources.v1.RetirementStep;
import io.sluice.api.resources.v1.Settings;
import io.sluice.api.resources.v1.TlsVersion;
import java.lang.System.Logger.Level;
import java.math.BigInteger;
import java.time.Duration;
import java.util.List;
import java.util.Set;

/** Settings as messages and back. */
final class SettingsCodec {
  static final Codec<MeshSettings> CODEC =
      Codec.of(Settings.getDefaultInstance(), SettingsCodec::message, SettingsCodec::model);

  private SettingsCodec() {}

  static Settings message(MeshSettings settings) {
    Settings.Builder message = Settings.newBuilder();
    ExternalAuthorization asked = settings.authorizationOrNull();
    if (asked != null) {
      message.setAuthorization(
          Authorization.newBuilder()
              .setHost(asked.server().host())
              .setPort(asked.server().port())
              .setStatPrefix(asked.statPrefix())
              .setTimeoutMillis((int) asked.timeoutMillis())
              .setFailOpen(asked.failOpen()));
    }
    Tracing tracing = settings.reporting().tracingOrNull();
    if (tracing != null) {
      ServerTlsCodec.tell(tracing.collector(), message.getTracingBuilder()::setTls);
      message
          .getTracingBuilder()
          .setHost(tracing.collector().host())
          .setPort(tracing.collector().port())
          .setOtlp(tracing.protocol() == Tracing.Protocol.OTLP)
          .setEndpoint(tracing.endpoint())
          .setSampledFraction(tracing.sampledFraction());
    }
    RemoteLogging remote = settings.reporting().remoteLoggingOrNull();
    if (remote != null) {
      ServerTlsCodec.tell(remote.collector(), message.getRemoteLoggingBuilder()::setTls);
      message
          .getRemoteLoggingBuilder()
          .setHost(remote.collector().host())
          .setPort(remote.collector().port())
          .setEndpoint(remote.endpoint())
          .setAuthorization(remote.authorization())
          .setSampledFraction(remote.sampledFraction());
    }
    return message
        .setPermissive(settings.permissive())
        .setEgress(settings.egress())
        .setTrustDomain(settings.trustDomain().name())
        .setMutualTls(settings.mutualTls())
        .addAllDeniedIdentities(
            settings.denied().identities().stream().map(SpiffeId::toString).sorted().toList())
        .addAllDeniedForeign(
            settings.denied().foreign().stream().map(SpiffeId::toString).sorted().toList())
        .addAllDeniedSerials(
            settings.denied().serials().stream().sorted().map(SettingsCodec::bytes).toList())
        .setKeepRevoked(settings.revoked() == RevokedMode.KEEP)
        .setRetirement(message(settings.retirement()))
        .addAllIsolated(WorkloadCodec.ranges(settings.isolated()))
        .setTlsMin(version(settings.tls().min()))
        .setTlsMax(version(settings.tls().max()))
        .addAllTlsSuites(settings.tls().suites().stream().map(TlsParameters.Suite::name).toList())
        .addAllTlsGroups(settings.tls().groups().stream().map(TlsParameters.Group::word).toList())
        .setLogLevel(level(settings.logs().mesh()))
        .setProxyLogLevel(level(settings.logs().proxies()))
        .setAnswerTimeoutSeconds((int) settings.answerTimeout().toSeconds())
        .setHealthChecks(settings.healthChecks())
        .setBalancesHttp1(settings.balancesHttp1())
        .setTelemetryBudget(settings.reporting().octetsPerDay())
        .build();
  }

  static MeshSettings model(Settings message, Checks checks) {
    Set<SpiffeId> identities =
        checks.set(
            "denied_identities",
            message.getDeniedIdentitiesList(),
            WireLimits.DENIED,
            SpiffeId::parse);
    Set<SpiffeId> foreign =
        checks.set(
            "denied_foreign", message.getDeniedForeignList(), WireLimits.DENIED, SpiffeId::parse);
    Set<BigInteger> serials =
        checks.set(
            "denied_serials",
            message.getDeniedSerialsList(),
            WireLimits.DENIED,
            bytes -> serial(bytes, checks));
    return new MeshSettings(
        message.getPermissive(),
        message.getEgress(),
        checks.value("trust_domain", () -> new TrustDomain(message.getTrustDomain())),
        message.getMutualTls(),
        new DeniedPeers(identities, foreign, serials),
        message.getKeepRevoked() ? RevokedMode.KEEP : RevokedMode.CLOSE,
        retirement(message, checks),
        answerTimeout(message, checks),
        WorkloadCodec.ranges("isolated", message.getIsolatedList(), checks),
        message.hasAuthorization() ? authorization(message.getAuthorization(), checks) : null,
        checks.value("tls", () -> tls(message, checks)),
        new LogLevels(
            level("log_level", message.getLogLevel(), checks),
            level("proxy_log_level", message.getProxyLogLevel(), checks)),
        FederatedBundles.NONE,
        List.of(),
        HostNames.NONE,
        message.getHealthChecks(),
        null,
        null,
        message.getBalancesHttp1(),
        reporting(message, checks));
  }

  private static Reporting reporting(Settings message, Checks checks) {
    Tracing tracing = message.hasTracing() ? tracing(message.getTracing(), checks) : null;
    RemoteLogging remote =
        message.hasRemoteLogging() ? remoteLogging(message.getRemoteLogging(), checks) : null;
    return checks.value(
        "telemetry_budget", () -> new Reporting(tracing, remote, message.getTelemetryBudget()));
  }

  private static RemoteLogging remoteLogging(
      io.sluice.api.resources.v1.RemoteLogging message, Checks checks) {
    return checks.value(
        "remote_logging",
        () ->
            new RemoteLogging(
                new NamedServer(
                    message.getHost(),
                    message.getPort(),
                    message.hasTls() ? ServerTlsCodec.model(message.getTls(), checks) : null),
                message.getEndpoint(),
                message.getAuthorization(),
                message.getSampledFraction()));
  }

  private static Tracing tracing(io.sluice.api.resources.v1.Tracing message, Checks checks) {
    return checks.value(
        "tracing",
        () ->
            new Tracing(
                new NamedServer(
                    message.getHost(),
                    message.getPort(),
                    message.hasTls() ? ServerTlsCodec.model(message.getTls(), checks) : null),
                message.getOtlp() ? Tracing.Protocol.OTLP : Tracing.Protocol.ZIPKIN,
                message.getEndpoint(),
                message.getSampledFraction()));
  }

  private static ExternalAuthorization authorization(Authorization message, Checks checks) {
    return checks.value(
        "authorization",
        () ->
            new ExternalAuthorization(
                new NamedServer(message.getHost(), message.getPort()),
                checks.text(
                    "authorization.stat_prefix",
                    message.getStatPrefix(),
                    ExternalAuthorization.MOST_CHARACTERS),
                Integer.toUnsignedLong(message.getTimeoutMillis()),
                message.getFailOpen()));
  }

  private static TlsVersion version(TlsParameters.Version version) {
    return switch (version) {
      case TLS_1_2 -> TlsVersion.TLS_VERSION_1_2;
      case TLS_1_3 -> TlsVersion.TLS_VERSION_1_3;
    };
  }

  private static TlsParameters tls(Settings message, Checks checks) {
    return new TlsParameters(
        version("tls_min", message.getTlsMin(), TlsParameters.DEFAULTS.min(), checks),
        version("tls_max", message.getTlsMax(), TlsParameters.DEFAULTS.max(), checks),
        checks.list(
            "tls_suites",
            message.getTlsSuitesList(),
            TlsParameters.Suite.values().length,
            TlsParameters.Suite::valueOf),
        checks.list(
            "tls_groups",
            message.getTlsGroupsList(),
            TlsParameters.Group.values().length,
            word -> TlsParameters.Group.of(word).orElseThrow(IllegalArgumentException::new)));
  }

  private static TlsParameters.Version version(
      String field, TlsVersion told, TlsParameters.Version usual, Checks checks) {
    return switch (told) {
      case TLS_VERSION_UNSPECIFIED -> usual;
      case TLS_VERSION_1_2 -> TlsParameters.Version.TLS_1_2;
      case TLS_VERSION_1_3 -> TlsParameters.Version.TLS_1_3;
      case UNRECOGNIZED -> throw checks.unusable(field, "no such version");
    };
  }

  private static LogLevel level(Level level) {
    return switch (level) {
      case ALL, TRACE -> LogLevel.LOG_LEVEL_TRACE;
      case DEBUG -> LogLevel.LOG_LEVEL_DEBUG;
      case INFO -> LogLevel.LOG_LEVEL_UNSPECIFIED;
      case WARNING -> LogLevel.LOG_LEVEL_WARNING;
      case ERROR -> LogLevel.LOG_LEVEL_ERROR;
      case OFF -> LogLevel.LOG_LEVEL_OFF;
    };
  }

  private static Level level(String field, LogLevel told, Checks checks) {
    return switch (told) {
      case LOG_LEVEL_TRACE -> Level.TRACE;
      case LOG_LEVEL_DEBUG -> Level.DEBUG;
      case LOG_LEVEL_UNSPECIFIED -> Level.INFO;
      case LOG_LEVEL_WARNING -> Level.WARNING;
      case LOG_LEVEL_ERROR -> Level.ERROR;
      case LOG_LEVEL_OFF -> Level.OFF;
      case UNRECOGNIZED -> throw checks.unusable(field, "no such level");
    };
  }

  private static RetirementStep message(Retirement retirement) {
    return switch (retirement) {
      case NONE -> RetirementStep.RETIREMENT_STEP_NONE;
      case ANNOUNCED -> RetirementStep.RETIREMENT_STEP_ANNOUNCED;
      case CLEAR -> RetirementStep.RETIREMENT_STEP_CLEAR;
    };
  }

  private static Retirement retirement(Settings message, Checks checks) {
    return switch (message.getRetirement()) {
      case RETIREMENT_STEP_NONE -> Retirement.NONE;
      case RETIREMENT_STEP_ANNOUNCED -> Retirement.ANNOUNCED;
      case RETIREMENT_STEP_CLEAR -> Retirement.CLEAR;
      case UNRECOGNIZED ->
          throw checks.unusable("retirement", "no such step " + message.getRetirementValue());
    };
  }

  private static Duration answerTimeout(Settings message, Checks checks) {
    if (!message.hasAnswerTimeoutSeconds()) {
      return MeshSettings.DEFAULT_ANSWER_TIMEOUT;
    }
    Duration told = Duration.ofSeconds(Integer.toUnsignedLong(message.getAnswerTimeoutSeconds()));
    if (told.compareTo(MeshSettings.MAX_ANSWER_TIMEOUT) > 0) {
      throw checks.unusable("answer_timeout_seconds", told + " is too long");
    }
    return told;
  }

  private static ByteString bytes(BigInteger serial) {
    byte[] signed = serial.toByteArray();
    return signed.length > 1 && signed[0] == 0
        ? ByteString.copyFrom(signed, 1, signed.length - 1)
        : ByteString.copyFrom(signed);
  }

  private static BigInteger serial(ByteString bytes, Checks checks) {
    if (bytes.isEmpty() || bytes.size() > WireLimits.SERIAL_BYTES) {
      throw checks.unusable(
          "denied_serials",
          "a serial number has 1 to " + WireLimits.SERIAL_BYTES + " bytes, not " + bytes.size());
    }
    return new BigInteger(1, bytes.toByteArray());
  }
}
