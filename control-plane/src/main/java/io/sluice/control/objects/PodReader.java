package io.sluice.control.objects;

import io.sluice.control.manifest.Fields;
import io.sluice.control.objects.Pod.Port;
import io.sluice.mesh.HealthCheck;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.PodUid;
import io.sluice.mesh.WireLimits;
import java.net.InetAddress;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Reads a Pod. */
final class PodReader {
  private static final List<String> PROBES =
      List.of("livenessProbe", "readinessProbe", "startupProbe");

  /** The kubelet calls these from the node too, and ends the container when one fails. */
  private static final List<String> HOOKS = List.of("postStart", "preStop");

  /** The older name of {@code serviceAccountName}; Kubernetes still takes it. */
  private static final String OLD_ACCOUNT = "serviceAccount";

  private PodReader() {}

  static Pod read(Fields document, ObjectMeta meta, ObjectReader.Provenance provenance) {
    Fields annotations = document.objectOrEmpty("metadata").objectOrEmpty("annotations");
    Fields labels = document.objectOrEmpty("metadata").objectOrEmpty("labels");
    EnrolmentWords.check(labels, annotations);
    Fields spec = document.objectOrEmpty("spec");
    Fields status = document.objectOrEmpty("status");
    List<Fields> containers = spec.objects("containers");
    List<Fields> initContainers = spec.objects("initContainers");
    List<Port> ports = new ArrayList<>();
    Set<Integer> probePorts = new HashSet<>();
    Map<Integer, HealthCheck> readiness = new LinkedHashMap<>();
    for (Fields container : containers) {
      List<Port> own = readContainer(container, probePorts);
      ports.addAll(own);
      if (readiness.size() < WireLimits.HEALTH_CHECKS) {
        readiness(container, own).ifPresent(check -> readiness.putIfAbsent(check.port(), check));
      }
    }
    for (Fields container : initContainers) {
      List<Port> own = readContainer(container, probePorts);
      if (container.text("restartPolicy").orElse("").equals("Always")) {
        ports.addAll(own); // a sidecar of KEP-753 runs beside the containers
      }
    }
    String phase = status.text("phase").orElse("");
    boolean ofCluster = provenance == ObjectReader.Provenance.API_SERVER;
    Optional<String> account =
        spec.parsed("serviceAccountName", Rfc1123::subdomain, Rfc1123.MEND)
            .or(() -> spec.parsed(OLD_ACCOUNT, Rfc1123::subdomain, Rfc1123.MEND));
    boolean accountless =
        ofCluster && (account.isEmpty() || annotations.has(MeshKey.STATIC_POD_UID.key()));
    return new Pod(
        meta,
        accountless ? null : account.orElse(Pod.DEFAULT_ACCOUNT),
        spec.text("nodeName").orElse(null),
        ofCluster ? null : netns(annotations),
        ofCluster && annotations.has(MeshKey.NETNS.key()),
        uid(document.objectOrEmpty("metadata"), annotations),
        spec.isTrue("hostNetwork"),
        phase.equals("Succeeded") || phase.equals("Failed"),
        isReady(status) && !meta.terminating(),
        readySecond(status),
        addresses(status),
        ports,
        probePorts,
        List.copyOf(readiness.values()),
        InterceptionReader.fromPod(annotations, spec),
        notEnforced(annotations));
  }

  private static List<Port> readContainer(Fields container, Set<Integer> probePorts) {
    List<Port> ports = new ArrayList<>();
    for (Fields port : container.objects("ports")) {
      ports.add(
          new Port(
              port.text("name").orElse(""),
              port.requiredPort("containerPort"),
              port.text("protocol").orElse("TCP")));
    }
    Fields lifecycle = container.objectOrEmpty("lifecycle");
    Stream.concat(
            PROBES.stream().flatMap(probe -> container.object(probe).stream()),
            HOOKS.stream().flatMap(hook -> lifecycle.object(hook).stream()))
        .forEach(fields -> {
          fields.object("httpGet").ifPresent(call -> named(call, ports, probePorts));
          fields.object("tcpSocket").ifPresent(call -> named(call, ports, probePorts));
          fields.object("grpc").ifPresent(call -> probePorts.add(call.requiredPort("port")));
        });
    probePorts.remove(0); // stands for a port that had a problem
    return ports;
  }

  /**
   * What the container's readiness probe asks. None of a probe that the mesh could not repeat as it
   * is: with headers, to another host, or by TLS, of which nobody but the kubelet asks no proof.
   */
  private static Optional<HealthCheck> readiness(Fields container, List<Port> ports) {
    Fields probe = container.objectOrEmpty("readinessProbe");
    Fields http = probe.objectOrEmpty("httpGet");
    Fields tcp = probe.objectOrEmpty("tcpSocket");
    Fields grpc = probe.objectOrEmpty("grpc");
    HealthCheck.How how;
    Fields call;
    String target = "";
    if (probe.has("httpGet")) {
      String path = http.text("path").orElse("/");
      how = HealthCheck.How.HTTP;
      call = http;
      target = path.startsWith("/") ? path : "/" + path;
      if (http.has("httpHeaders")
          || http.has("host")
          || !http.text("scheme").orElse("HTTP").equals("HTTP")) {
        return Optional.empty();
      }
    } else if (probe.has("grpc")) {
      how = HealthCheck.How.GRPC;
      call = grpc;
      target = grpc.text("service").orElse("");
    } else if (probe.has("tcpSocket") && !tcp.has("host")) {
      how = HealthCheck.How.TCP;
      call = tcp;
    } else {
      return Optional.empty();
    }
    int port = numbered(call, ports);
    int period = seconds(probe, "periodSeconds", HealthCheck.DEFAULT_INTERVAL);
    int timeout = seconds(probe, "timeoutSeconds", HealthCheck.DEFAULT_TIMEOUT);
    try {
      return Optional.of(HealthCheck.ofProbe(port, how, target, period, timeout));
    } catch (IllegalArgumentException e) {
      return Optional.empty(); // what no application has for a path, or a port told of above
    }
  }

  private static int seconds(Fields probe, String field, Duration otherwise) {
    return probe.number(field, "a number of seconds").orElse((int) otherwise.toSeconds());
  }

  /** 0 where it is none. */
  private static int numbered(Fields call, List<Port> ports) {
    if (!call.isText("port")) {
      return call.number("port", "a port").orElse(0);
    }
    String name = call.requiredText("port");
    return ports.stream()
        .filter(port -> port.name().equals(name))
        .map(Port::number)
        .findFirst()
        .orElse(0);
  }

  private static void named(Fields call, List<Port> ports, Set<Integer> probePorts) {
    if (!call.isText("port")) {
      probePorts.add(call.requiredPort("port"));
      return;
    }
    String name = call.requiredText("port");
    Optional<Integer> number =
        ports.stream().filter(port -> port.name().equals(name)).map(Port::number).findFirst();
    number.ifPresentOrElse(
        probePorts::add,
        () ->
            call.problem(
                "port",
                "no port of this container is named '" + name + "'",
                "name one of its ports so, or write the number without quotes"));
  }

  private static List<InetAddress> addresses(Fields status) {
    List<InetAddress> addresses = new ArrayList<>();
    for (Fields podIp : status.objects("podIPs")) {
      podIp.parsed("ip", PodAddress::parse, PodAddress.MEND).ifPresent(addresses::add);
    }
    Optional<InetAddress> single = status.parsed("podIP", PodAddress::parse, PodAddress.MEND);
    if (addresses.isEmpty()) {
      single.ifPresent(addresses::add);
    }
    return addresses.stream().distinct().toList();
  }

  private static boolean isReady(Fields status) {
    return readyConditions(status).findFirst().map(PodReader::isTrue).orElse(true);
  }

  private static Stream<Fields> readyConditions(Fields status) {
    return status.objects("conditions").stream()
        .filter(condition -> condition.text("type").orElse("").equals("Ready"));
  }

  private static boolean isTrue(Fields condition) {
    return condition.text("status").orElse("").equals("True");
  }

  private static long readySecond(Fields status) {
    return readyConditions(status)
        .filter(PodReader::isTrue)
        .findFirst()
        .flatMap(condition ->
            condition.parsed(
                "lastTransitionTime", Birth::second, "write it as the kubelet gave it"))
        .map(second -> Math.max(0, second))
        .orElse(0L);
  }

  private static @Nullable String netns(Fields annotations) {
    return annotations
        .parsed(
            MeshKey.NETNS.key(),
            PodReader::netnsPlace,
            "write a name below /run/netns, or an absolute path without '.' and '..'")
        .orElse(null);
  }

  /**
   * The kubelet runs a static pod under a UID of its own; the API server gave its mirror another.
   */
  private static @Nullable PodUid uid(Fields metadata, Fields annotations) {
    Optional<PodUid> own =
        metadata.parsed("uid", PodUid::new, "write it as the API server or the kubelet gave it");
    return annotations
        .parsed(
            MeshKey.STATIC_POD_UID.key(), PodReader::staticPodUid, "only the kubelet writes this")
        .or(() -> own)
        .orElse(null);
  }

  /** A UUID here would let a Pod pass for another one. */
  private static PodUid staticPodUid(String text) {
    PodUid uid = new PodUid(text);
    if (!uid.isOfStaticPod()) {
      throw new IllegalArgumentException("'" + text + "' is not the UID of a static pod");
    }
    return uid;
  }

  private static String netnsPlace(String text) {
    boolean fits = !text.isEmpty() && text.length() <= 4_096 && text.indexOf('\0') < 0;
    boolean absolute = text.startsWith("/");
    String[] parts = (absolute ? text.substring(1) : text).split("/", -1);
    fits &= absolute || parts.length == 1;
    for (String part : parts) {
      fits &= !part.isEmpty() && part.length() <= 255 && !part.equals(".") && !part.equals("..");
    }
    if (!fits) {
      throw new IllegalArgumentException("'" + text + "' is not the place of a network namespace");
    }
    return text;
  }

  private static List<String> notEnforced(Fields annotations) {
    return MeshKey.notEnforced()
        .flatMap(key -> key.keys().stream())
        .filter(annotations::has)
        .toList();
  }

  /** Addresses that a Pod, an endpoint or a cluster IP may have. */
  static final class PodAddress {
    static final String MEND = "write a unicast IPv4 or IPv6 address without zone or prefix length";

    private PodAddress() {}

    /** Parses a unicast address; the ones that mean every host or this host are refused. */
    static InetAddress parse(String text) {
      InetAddress address = IpAddresses.parse(text);
      if (address.isAnyLocalAddress()
          || address.isLoopbackAddress()
          || address.isMulticastAddress()) {
        throw new IllegalArgumentException(
            "'" + text + "' cannot be the address of a pod or service");
      }
      return address;
    }
  }
}
