package io.sluice.mesh;

import com.google.protobuf.ByteString;
import io.sluice.api.resources.v1.HealthQuestion;
import io.sluice.api.resources.v1.Interception;
import io.sluice.api.resources.v1.PingMode;
import io.sluice.api.resources.v1.Range;
import java.net.InetAddress;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** Workloads as messages and back. */
final class WorkloadCodec {
  static final Codec<Workload> CODEC =
      Codec.of(
          io.sluice.api.resources.v1.Workload.getDefaultInstance(),
          WorkloadCodec::message,
          WorkloadCodec::model);

  private WorkloadCodec() {}

  static io.sluice.api.resources.v1.Workload message(Workload workload) {
    var message =
        io.sluice.api.resources.v1.Workload.newBuilder()
            .setNamespace(workload.name().namespace())
            .setName(workload.name().name())
            .setIdentity(workload.identity().toString())
            .addAllAddresses(addresses(workload.addresses()))
            .putAllLabels(workload.labels())
            .setEnrolled(workload.enrolled())
            .setNetns(workload.netns().orElse(""))
            .setUid(workload.uid().map(PodUid::text).orElse(""))
            .setNodeName(workload.nodeName().orElse(""))
            .setZone(workload.zone().orElse(""))
            .setHostNetwork(workload.hostNetwork())
            .addAllProbePorts(workload.probePorts().stream().sorted().toList())
            .setPermissiveMtls(workload.mtlsMode() == MtlsMode.PERMISSIVE)
            .setIdleTimeoutSeconds((int) workload.connections().idleTimeout().toSeconds())
            .setSameNodeMtls(workload.connections().sameNodeMtls() == SameNodeMtls.REQUIRED)
            .setLocalhost(workload.connections().localProxyMode() == LocalProxyMode.LOCALHOST)
            .setUnmeasured(!workload.connections().measured())
            .addAllHealthChecks(
                workload.healthChecks().stream().map(WorkloadCodec::check).toList());
    if (!workload.interception().equals(InterceptionSettings.EVERYTHING)) {
      message.setInterception(interception(workload.interception()));
    }
    return message.build();
  }

  static Workload model(io.sluice.api.resources.v1.Workload message, Checks checks) {
    checks.atMost("labels", message.getLabelsCount(), WireLimits.LABELS);
    for (Map.Entry<String, String> label : message.getLabelsMap().entrySet()) {
      checks.text("labels", label.getKey(), WireLimits.LABEL_CHARACTERS);
      checks.text("labels", label.getValue(), WireLimits.LABEL_CHARACTERS);
    }
    NamespacedName name =
        checks.value("name", () -> new NamespacedName(message.getNamespace(), message.getName()));
    SpiffeId identity = checks.value("identity", () -> SpiffeId.parse(message.getIdentity()));
    List<InetAddress> addresses =
        checks.addresses("addresses", message.getAddressesList(), WireLimits.WORKLOAD_ADDRESSES);
    PodUid uid =
        message.getUid().isEmpty() ? null : checks.value("uid", () -> new PodUid(message.getUid()));
    return checks.value(
        "enrolled",
        () ->
            new Workload(
                name,
                identity,
                addresses,
                message.getLabelsMap(),
                message.getEnrolled(),
                present(checks.text("netns", message.getNetns(), WireLimits.PATH_CHARACTERS)),
                uid,
                present(
                    checks.text(
                        "node_name", message.getNodeName(), WireLimits.NODE_NAME_CHARACTERS)),
                message.getHostNetwork(),
                message.hasInterception()
                    ? interception(message.getInterception(), checks)
                    : InterceptionSettings.EVERYTHING,
                checks.ports("probe_ports", message.getProbePortsList()),
                message.getPermissiveMtls() ? MtlsMode.PERMISSIVE : MtlsMode.STRICT,
                connections(message, checks),
                checks.list(
                    "health_checks",
                    message.getHealthChecksList(),
                    WireLimits.HEALTH_CHECKS,
                    one -> check(one, checks)),
                present(checks.text("zone", message.getZone(), WireLimits.NODE_NAME_CHARACTERS))));
  }

  private static ConnectionSettings connections(
      io.sluice.api.resources.v1.Workload message, Checks checks) {
    long seconds = Integer.toUnsignedLong(message.getIdleTimeoutSeconds());
    return checks.value(
        "idle_timeout_seconds",
        () ->
            new ConnectionSettings(
                Duration.ofSeconds(seconds),
                message.getSameNodeMtls() ? SameNodeMtls.REQUIRED : SameNodeMtls.DISABLED,
                message.getLocalhost() ? LocalProxyMode.LOCALHOST : LocalProxyMode.POD_IP,
                !message.getUnmeasured()));
  }

  private static io.sluice.api.resources.v1.HealthCheck check(HealthCheck check) {
    return io.sluice.api.resources.v1.HealthCheck.newBuilder()
        .setPort(check.port())
        .setQuestion(
            switch (check.how()) {
              case HTTP, ANY_HTTP -> HealthQuestion.HEALTH_QUESTION_HTTP;
              case GRPC, ANY_GRPC -> HealthQuestion.HEALTH_QUESTION_GRPC;
              case TCP -> HealthQuestion.HEALTH_QUESTION_TCP;
            })
        .setTarget(check.target())
        .setIntervalSeconds((int) check.interval().toSeconds())
        .setTimeoutSeconds((int) check.timeout().toSeconds())
        .build();
  }

  private static HealthCheck check(io.sluice.api.resources.v1.HealthCheck message, Checks checks) {
    return new HealthCheck(
        message.getPort(),
        switch (message.getQuestion()) {
          case HEALTH_QUESTION_TCP -> HealthCheck.How.TCP;
          case HEALTH_QUESTION_HTTP -> HealthCheck.How.HTTP;
          case HEALTH_QUESTION_GRPC -> HealthCheck.How.GRPC;
          case UNRECOGNIZED ->
              throw checks.unusable("health_checks.question", "it is none of those known");
        },
        message.getTarget(),
        Duration.ofSeconds(Integer.toUnsignedLong(message.getIntervalSeconds())),
        Duration.ofSeconds(Integer.toUnsignedLong(message.getTimeoutSeconds())));
  }

  private static @Nullable String present(String text) {
    return text.isEmpty() ? null : text;
  }

  static List<ByteString> addresses(List<InetAddress> addresses) {
    return addresses.stream().map(WorkloadCodec::address).toList();
  }

  static ByteString address(InetAddress address) {
    return ByteString.copyFrom(address.getAddress());
  }

  private static Interception interception(InterceptionSettings settings) {
    return Interception.newBuilder()
        .addAllOutboundPortExclusions(settings.outboundPortExclusions().stream().sorted().toList())
        .addAllInboundPortExclusions(settings.inboundPortExclusions().stream().sorted().toList())
        .addAllOutboundRangeExclusions(ranges(settings.outboundRangeExclusions()))
        .addAllOutboundRangeInclusions(ranges(settings.outboundRangeInclusions()))
        .addAllInterfaceExclusions(settings.interfaceExclusions().stream().sorted().toList())
        .addAllResolvers(ranges(settings.openings().resolvers()))
        .setMetadataAllowed(settings.openings().metadata() == MetadataMode.ALLOW)
        .setPingMode(
            switch (settings.openings().ping()) {
              case PLAIN -> PingMode.PING_MODE_PLAIN;
              case REFUSE -> PingMode.PING_MODE_REFUSE;
              case ALLOW -> PingMode.PING_MODE_ALLOW;
            })
        .setFailOpen(settings.openings().fail() == FailMode.OPEN)
        .build();
  }

  private static Openings openings(Interception message, Checks checks) {
    return new Openings(
        ranges("interception.resolvers", message.getResolversList(), checks),
        message.getMetadataAllowed() ? MetadataMode.ALLOW : MetadataMode.REFUSE,
        switch (message.getPingMode()) {
          case PING_MODE_PLAIN -> io.sluice.mesh.PingMode.PLAIN;
          case PING_MODE_REFUSE -> io.sluice.mesh.PingMode.REFUSE;
          case PING_MODE_ALLOW -> io.sluice.mesh.PingMode.ALLOW;
          case UNRECOGNIZED ->
              throw checks.unusable("interception.ping_mode", "it is none of those known");
        },
        message.getFailOpen() ? FailMode.OPEN : FailMode.CLOSED);
  }

  static List<Range> ranges(List<Cidr> ranges) {
    return ranges.stream()
        .map(range ->
            Range.newBuilder()
                .setNetwork(address(range.network()))
                .setPrefixLength(range.prefixLength())
                .build())
        .toList();
  }

  private static InterceptionSettings interception(Interception message, Checks checks) {
    String interfaces = "interception.interface_exclusions";
    return new InterceptionSettings(
        checks.ports(
            "interception.outbound_port_exclusions", message.getOutboundPortExclusionsList()),
        checks.ports(
            "interception.inbound_port_exclusions", message.getInboundPortExclusionsList()),
        ranges(
            "interception.outbound_range_exclusions",
            message.getOutboundRangeExclusionsList(),
            checks),
        ranges(
            "interception.outbound_range_inclusions",
            message.getOutboundRangeInclusionsList(),
            checks),
        checks.set(
            interfaces,
            message.getInterfaceExclusionsList(),
            WireLimits.RULES,
            name -> checks.text(interfaces, name, WireLimits.INTERFACE_CHARACTERS)),
        openings(message, checks),
        List.of());
  }

  static List<Cidr> ranges(String field, List<Range> ranges, Checks checks) {
    return checks.list(
        field,
        ranges,
        WireLimits.RULES,
        range ->
            new Cidr(IpAddresses.of(range.getNetwork().toByteArray()), range.getPrefixLength()));
  }
}
