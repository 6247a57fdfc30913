package io.sluice.control.objects;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.control.authority.Requests;
import io.sluice.control.authority.svid.Pem;
import io.sluice.control.manifest.Problem;
import io.sluice.control.manifest.YamlDocuments;
import io.sluice.control.manifest.YamlValue;
import io.sluice.control.objects.ObjectReader.ReadObjects;
import io.sluice.mesh.AppProtocol;
import io.sluice.mesh.Cidr;
import io.sluice.mesh.ExternalAuthorization;
import io.sluice.mesh.InterceptionSettings;
import io.sluice.mesh.IpAddresses;
import io.sluice.mesh.NamedServer;
import io.sluice.mesh.RemoteLogging;
import io.sluice.mesh.ServerTls;
import io.sluice.mesh.Tracing;
import java.nio.charset.StandardCharsets;
import java.security.cert.X509Certificate;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class ObjectReaderTest {
  /** One object stops nothing but itself: not those of its kind, nor what follows them. */
  @Test
  void aMistakeInAReaderIsAProblemOfThatObject() {
    var object =
        (YamlValue.Mapping)
            YamlDocuments.read("f.yaml", "a: b\nkind: Odd".getBytes(StandardCharsets.UTF_8))
                .documents()
                .getFirst();

    ReadObjects read =
        ObjectReader.read(
            "origin",
            "Odd",
            object,
            _ -> {
              throw new IllegalStateException("of the reader");
            });

    assertThat(read.objects()).isEmpty();
    assertThat(read.problems())
        .singleElement()
        .satisfies(problem -> {
          assertThat(problem.field()).isEqualTo("kind");
          assertThat(problem.line()).isEqualTo(2);
          assertThat(problem.reason()).contains("IllegalStateException: of the reader");
        });
  }

  @Test
  void readsAPod() {
    Pod pod =
        (Pod)
            one(
                """
                apiVersion: v1
                kind: Pod
                metadata:
                  name: web
                  namespace: shop
                  labels: {app: web}
                  annotations:
                    sluice.io/netns: web
                    openservicemesh.io/outbound-port-exclusion-list: "6379, 7070"
                    flomesh.io/inbound-port-exclusion-list: "9000"
                    sluice.io/outbound-ip-range-exclusion-list: 10.1.0.0/16,fd00::/64
                    sluice.io/outbound-ip-range-inclusion-list: ""
                    flomesh.io/hold-application-until-proxy-starts: "true"
                spec:
                  nodeName: node-1
                  serviceAccountName: web-account
                  initContainers:
                  - name: once
                    ports: [{name: ignored, containerPort: 1}]
                  - name: sidecar
                    restartPolicy: Always
                    ports: [{name: admin, containerPort: 9901}]
                    startupProbe: {httpGet: {port: admin}}
                  containers:
                  - name: web
                    ports:
                    - {name: http, containerPort: 8080}
                    - {name: dns, containerPort: 53, protocol: UDP}
                    livenessProbe: {httpGet: {path: /live, port: http}}
                    readinessProbe: {tcpSocket: {port: 8081}}
                    startupProbe: {grpc: {port: 8082}}
                status:
                  phase: Running
                  podIP: 10.0.0.9
                  podIPs: [{ip: 10.0.0.1}, {ip: "fd00::1"}]
                  conditions: [{type: Ready, status: "False"}]
                """);

    assertThat(pod.ref()).hasToString("Pod shop/web");
    assertThat(pod.meta().line()).isEqualTo(1);
    assertThat(pod.accountOrNull()).isEqualTo("web-account");
    assertThat(pod.nodeNameOrNull()).isEqualTo("node-1");
    assertThat(pod.netnsOrNull()).isEqualTo("web");
    assertThat(pod.addresses())
        .containsExactly(IpAddresses.parse("10.0.0.1"), IpAddresses.parse("fd00::1"));
    assertThat(pod.ready()).isFalse();
    assertThat(pod.finished()).isFalse();
    assertThat(pod.probePorts()).containsExactlyInAnyOrder(8080, 8081, 8082, 9901);
    assertThat(pod.ports())
        .extracting(Pod.Port::name)
        .containsExactlyInAnyOrder("http", "dns", "admin");
    assertThat(pod.interception())
        .isEqualTo(
            new InterceptionSettings(
                Set.of(6379, 7070),
                Set.of(9000),
                List.of(Cidr.parse("10.1.0.0/16"), Cidr.parse("fd00::/64")),
                List.of(),
                Set.of()));
    assertThat(pod.notEnforced()).containsExactly("flomesh.io/hold-application-until-proxy-starts");
  }

  @Test
  void fillsInWhatAPodLeavesOut() {
    Pod pod = (Pod) one("{apiVersion: v1, kind: Pod, metadata: {name: web}}");

    assertThat(pod.meta().namespace()).isEqualTo("default");
    assertThat(pod.accountOrNull()).isEqualTo("default");
    assertThat(pod.ready()).isTrue();
    assertThat(pod.addresses()).isEmpty();
    assertThat(pod.interception()).isEqualTo(InterceptionSettings.EVERYTHING);
  }

  @Test
  void readsAService() {
    KubernetesService service =
        (KubernetesService)
            one(
                """
                apiVersion: v1
                kind: Service
                metadata: {name: web, namespace: shop}
                spec:
                  clusterIP: 10.96.0.1
                  clusterIPs: [10.96.0.1, "fd00:96::1"]
                  selector: {app: web}
                  ports:
                  - {name: http-web, port: 80, targetPort: http}
                  - {name: db, port: 5432, appProtocol: tcp}
                  - {name: dns, port: 53, protocol: UDP, targetPort: 5353}
                """);

    assertThat(service.headless()).isFalse();
    assertThat(service.clusterIps())
        .containsExactly(IpAddresses.parse("10.96.0.1"), IpAddresses.parse("fd00:96::1"));
    assertThat(service.selector()).isEqualTo(Map.of("app", "web"));
    assertThat(service.ports())
        .containsExactly(
            new KubernetesService.Port(
                "http-web",
                80,
                "TCP",
                AppProtocol.HTTP,
                new KubernetesService.Target.Named("http")),
            new KubernetesService.Port(
                "db", 5432, "TCP", AppProtocol.TCP, new KubernetesService.Target.Number(5432)),
            new KubernetesService.Port(
                "dns",
                53,
                "UDP",
                AppProtocol.UNDECLARED,
                new KubernetesService.Target.Number(5353)));
  }

  @Test
  void readsAHeadlessService() {
    KubernetesService service =
        (KubernetesService)
            one("{apiVersion: v1, kind: Service, metadata: {name: a}, spec: {clusterIP: None}}");

    assertThat(service.headless()).isTrue();
    assertThat(service.clusterIps()).isEmpty();
  }

  @Test
  void readsAnEndpointSlice() {
    EndpointSlice slice =
        (EndpointSlice)
            one(
                """
                apiVersion: discovery.k8s.io/v1
                kind: EndpointSlice
                metadata: {name: web-1, labels: {kubernetes.io/service-name: web}}
                addressType: IPv4
                ports: [{name: http, port: 8080}, {port: null}]
                endpoints:
                - addresses: [10.0.0.1]
                - addresses: [10.0.0.2]
                  conditions: {ready: false}
                - addresses: [10.0.0.3]
                  conditions: {ready: null}
                """);

    assertThat(slice.service()).isEqualTo("web");
    assertThat(slice.ports())
        .containsExactly(
            new EndpointSlice.Port("http", 8080, "TCP"), new EndpointSlice.Port("", 0, "TCP"));
    assertThat(slice.endpoints())
        .extracting(EndpointSlice.Backend::ready)
        .containsExactly(true, false, true);
  }

  @Test
  void readsAMeshConfigAndTellsWhatItDoesNotEnforce() {
    MeshConfig config =
        (MeshConfig)
            one(
                """
                apiVersion: config.openservicemesh.io/v1alpha2
                kind: MeshConfig
                metadata: {name: osm-mesh-config, namespace: osm-system}
                spec:
                  traffic:
                    enablePermissiveTrafficPolicyMode: true
                    outboundPortExclusionList: [6379]
                    networkInterfaceExclusionList: [net1]
                    inboundExternalAuthorization:
                      {enable: true, address: OPA.tools, port: 9191, timeout: 200ms, prefix: a}
                    useHTTPSIngress: false
                    enableEgres: true
                  sidecar: {logLevel: error, localProxyMode: Localhost, tlsMinProtocolVersion: null}
                  observability: {tracing: {enable: true, fraction: 1}}
                  colour: blue
                """);

    assertThat(config.permissive()).isTrue();
    assertThat(config.egress()).isFalse();
    assertThat(config.interception().outboundPortExclusions()).containsExactly(6379);
    assertThat(config.interception().interfaceExclusions()).containsExactly("net1");
    assertThat(config.notEnforced()).containsExactly("spec.traffic.useHTTPSIngress");
    assertThat(config.authorizationOrNull())
        .isEqualTo(
            new ExternalAuthorization(
                new NamedServer("opa.tools", 9191),
                ExternalAuthorization.DEFAULT_STAT_PREFIX,
                200,
                false));
    assertThat(config.localProxyModeOrNull()).isEqualTo("Localhost");
    assertThat(config.unknown())
        .containsExactly(
            "spec.traffic.enableEgres",
            "spec.colour",
            "spec.traffic.inboundExternalAuthorization.prefix",
            "spec.observability.tracing.fraction");
    assertThat(config.reporting().tracingOrNull())
        .isEqualTo(
            new Tracing(
                new NamedServer("jaeger.osm-system.svc.cluster.local", 9411),
                Tracing.Protocol.ZIPKIN,
                "/api/v2/spans",
                1));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          enable: true, address: 192.0.2.5, protocol: otlp | 192.0.2.5 | 4318 | /v1/traces | 1
          enable: true, address: Tempo.x.svc, port: 80, endpoint: "/a?b=c" | tempo.x.svc | 80 | /a?b=c | 1
          enable: true, address: a, sampledFraction: 0.1 | a | 9411 | /api/v2/spans | 0.1
          enable: true, address: a, sampledFraction: "0.25" | a | 9411 | /api/v2/spans | 0.25
          enable: true, address: a, sampledFraction: 0 | a | 9411 | /api/v2/spans | 0
          """)
  void readsWhereSpansGo(String fields, String host, int port, String endpoint, double fraction) {
    Tracing tracing = ((MeshConfig) one(traced(fields))).reporting().tracingOrNull();

    assertThat(tracing)
        .isEqualTo(
            new Tracing(
                new NamedServer(host, port),
                fields.contains("otlp") ? Tracing.Protocol.OTLP : Tracing.Protocol.ZIPKIN,
                endpoint,
                fraction));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          enable: true, address: "http://a" | address
          enable: true, address: "a:9411" | address
          enable: true, port: 0 | port
          enable: false, port: many | port
          enable: true, endpoint: spans | endpoint
          enable: true, endpoint: "/a b" | endpoint
          enable: true, endpoint: "/a#b" | endpoint
          enable: true, endpoint: "/a\\r\\nHost: b" | endpoint
          enable: true, protocol: grpc | protocol
          enable: true, sampledFraction: 1.1 | sampledFraction
          tls: {enable: 1} | tls.enable
          tls: {enable: true, caPem: none} | tls.caPem
          tls: [] | tls
          enable: true, sampledFraction: "-0.1" | sampledFraction
          enable: 1 | enable
          """)
  void aCollectorThatCannotBeUsedMakesTheMeshConfigUnusable(String fields, String field) {
    ReadObjects read = read(traced(fields));

    assertThat(read.objects()).isEmpty();
    assertThat(read.problems())
        .extracting(Problem::field)
        .containsExactly("spec.observability.tracing." + field);
  }

  @Test
  void readsHowAnyCollectorIsAskedByTls() throws Exception {
    Instant now = Instant.now();
    X509Certificate root =
        Requests.selfSigned(
            Requests.keyPair("secp256r1"), "tools", true, now, now.plus(Duration.ofDays(1)));
    String roots = new Pem(List.of(root), List.of()).text().replace("\n", "\\n");

    assertThat(askedBy("tls: {enable: true}")).containsOnly(ServerTls.PUBLIC);
    assertThat(askedBy("tls: {enable: true, caPem: \"" + roots + "\"}"))
        .containsOnly(new ServerTls(List.of(root)));
    assertThat(askedBy("tls: {enable: false, caPem: \"" + roots + "\"}")).containsOnlyNulls();
    assertThat(read(traced("enable: true, address: a, tls: {caPem: \"" + roots + "\"}")).problems())
        .extracting(Problem::field)
        .containsExactly("spec.observability.tracing.tls.caPem"); // else in clear by mistake
  }

  private static List<@Nullable ServerTls> askedBy(String tls) {
    String fields = "enable: true, address: a, " + tls;
    MeshConfig tracing = (MeshConfig) one(traced(fields));
    MeshConfig logging = (MeshConfig) one(observed("remoteLogging", fields));
    ExtensionService service =
        (ExtensionService)
            one(
                """
                {apiVersion: config.openservicemesh.io/v1alpha2, kind: ExtensionService,
                 metadata: {name: a, namespace: b}, spec: {host: a, port: 4317, %s}}
                """
                    .formatted(tls));
    return Stream.of(
            tracing.reporting().tracingOrNull().collector(),
            logging.reporting().remoteLoggingOrNull().collector(),
            service.server())
        .map(NamedServer::tlsOrNull)
        .toList();
  }

  @ParameterizedTest
  @CsvSource({
    "'', 0",
    "1Mi/day, 1048576",
    "20Mi/day, 20971520",
    "2000000/day, 2000000",
    "3M/day, 3000000",
    "1Ti/day, 1099511627776"
  })
  void readsHowMuchCollectorsAreTold(String budget, long octets) {
    String config = observed("budget", "").replace("{}", '"' + budget + '"');

    assertThat(((MeshConfig) one(config)).reporting().octetsPerDay()).isEqualTo(octets);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "1048575/day",
        "1Ki/day",
        "2Ti/day",
        "9999999999999Ti/day",
        "0/day",
        "-1Mi/day",
        "1.5Mi/day",
        "20Mi",
        "20Mi/h",
        "20 Mi/day",
        "20Mb/day",
        "20971520",
        "[20Mi/day]"
      })
  void aBudgetThatIsNoneMakesTheMeshConfigUnusable(String budget) {
    ReadObjects read = read(observed("budget", "").replace("{}", budget));

    assertThat(read.objects()).isEmpty();
    assertThat(read.problems())
        .extracting(Problem::field)
        .containsExactly("spec.observability.budget");
  }

  private static String traced(String fields) {
    return observed("tracing", fields);
  }

  private static String observed(String section, String fields) {
    return """
    {apiVersion: config.sluice.io/v1alpha1, kind: MeshConfig, metadata: {name: a, namespace: b},
     spec: {observability: {%s: {%s}}}}
    """
        .formatted(section, fields);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      emptyValue = "",
      textBlock =
          """
          address: a | a | 30514 | / | '' | 1
          address: a, level: 1, endpoint: "" | a | 30514 | / | '' | 1
          address: "2001:db8::1", port: 80, endpoint: ingest | 2001:db8::1 | 80 | /ingest | '' | 1
          address: a, authorization: Basic YTpi, sampledFraction: "0.25" | a | 30514 | / | Basic YTpi | 0.25
          address: a, sampledFraction: 0.5 | a | 30514 | / | '' | 0.5
          """)
  void linesOfAllPodsGoWhereOsmEdgeAndFsmWouldSendThem(
      String fields, String host, int port, String endpoint, String authorization, double part) {
    MeshConfig config = (MeshConfig) one(observed("remoteLogging", "enable: true, " + fields));

    assertThat(config.reporting().remoteLoggingOrNull())
        .isEqualTo(new RemoteLogging(new NamedServer(host, port), endpoint, authorization, part))
        .asString()
        .doesNotContain("YTpi");
  }

  @ParameterizedTest
  @ValueSource(strings = {"address: a", "enable: false, address: a", "enable: true, level: 0"})
  void theyGoNowhereWhereThatIsNotOn(String fields) {
    assertThat(
            ((MeshConfig) one(observed("remoteLogging", fields))).reporting().remoteLoggingOrNull())
        .isNull();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          enable: true | address
          enable: true, address: "http://a" | address
          enable: true, address: a, port: 0 | port
          enable: true, address: a, level: high | level
          enable: true, address: a, endpoint: "/a b" | endpoint
          enable: true, address: a, sampledFraction: "1.1" | sampledFraction
          enable: true, address: a, authorization: "canary-7\\r\\nHost: b" | authorization
          enable: true, address: a, authorization: " canary-7" | authorization
          enable: true, address: a, authorization: 70077 | authorization
          enable: false, authorization: [canary-7] | authorization
          """)
  void whatCannotBeUsedOfThatMakesTheMeshConfigUnusableAndTellsNoSecret(
      String fields, String field) {
    ReadObjects read = read(observed("remoteLogging", fields));

    assertThat(read.objects()).isEmpty();
    assertThat(read.problems())
        .extracting(Problem::field)
        .containsExactly("spec.observability.remoteLogging." + field);
    assertThat(read.problems().toString()).doesNotContain("canary", "70077");
  }

  @Test
  void readsTheItemsOfAList() {
    ReadObjects read =
        read(
            """
            apiVersion: v1
            kind: List
            items:
            - {apiVersion: v1, kind: KubernetesObject.ServiceAccount, metadata: {name: a}}
            - {apiVersion: v1, kind: Pod, metadata: {name: b}, spec: {hostNetwork: "yes"}}
            """);

    assertThat(read.objects()).hasSize(1);
    assertThat(read.problems())
        .containsExactly(
            new Problem(
                "f.yaml",
                5,
                "items[1].spec.hostNetwork",
                "this is a string, expected a boolean",
                "write true or false, without quotes"));
  }

  @Test
  void leavesOtherKindsAndVersionsUnread() {
    ReadObjects read =
        read(
            """
            {apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, spec: {replicas: many}}
            ---
            {apiVersion: access.smi-spec.io/v1alpha2, kind: TrafficTarget, metadata: {name: old}}
            ---
            {apiVersion: example.com/v1, kind: Service, metadata: {name: knative}}
            """);

    assertThat(read.problems()).isEmpty();
    assertThat(read.objects())
        .allSatisfy(object -> assertThat(object).isInstanceOf(OtherObject.class))
        .extracting(object -> ((OtherObject) object).isReadInOtherVersion())
        .containsExactly(false, true, false);
  }

  private static KubernetesObject one(String text) {
    ReadObjects read = read(text);
    assertThat(read.problems()).isEmpty();
    assertThat(read.objects()).hasSize(1);
    return read.objects().getFirst();
  }

  private static ReadObjects read(String text) {
    return ObjectReader.read("f.yaml", text.getBytes(StandardCharsets.UTF_8));
  }
}
