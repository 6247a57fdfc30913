package io.sluice.control.validate;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.fabric8.kubernetes.api.model.PodSpec;
import io.fabric8.kubernetes.api.model.ServiceSpec;
import io.fabric8.kubernetes.api.model.discovery.v1.EndpointSlice;
import io.fabric8.kubernetes.api.model.gatewayapi.v1.HTTPRouteSpec;
import io.fabric8.kubernetes.client.utils.Serialization;
import io.sluice.control.compile.CompiledChange;
import io.sluice.control.compile.CompilerSettings;
import io.sluice.control.compile.IncrementalCompiler;
import io.sluice.control.compile.PodRangeRule;
import io.sluice.control.objects.KubernetesObject;
import io.sluice.control.objects.ObjectReader;
import io.sluice.mesh.Kind;
import io.sluice.mesh.MeshSnapshot;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * No field is swallowed: what somebody writes into an object that the mesh reads changes what is
 * enforced, or a finding names it. The fields come from where the kinds are defined, so that one
 * that is new there has to be looked at here. Of fields that are not for a mesh stands here why.
 */
class EveryFieldTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final CompilerSettings RULES = new CompilerSettings(null, PodRangeRule.IGNORE);

  /** The mesh that the field is set in: {@code KIND} is the object that has it. */
  private static final String SITE =
      """
      {apiVersion: v1, kind: Namespace, metadata: {name: shop, labels: {sluice.io/mesh: enabled}}}
      ---
      apiVersion: v1
      kind: Pod
      metadata: {name: store, namespace: shop, labels: {app: store}}
      spec: {serviceAccountName: store, containers: [{ports: [{name: web, containerPort: 8080}]}]}
      status: {phase: Running, podIPs: [{ip: 10.0.0.1}, {ip: 'fd00::1'}]}
      ---
      apiVersion: v1
      kind: Pod
      metadata: {name: unready, namespace: shop, labels: {app: store}}
      spec: {containers: [{ports: [{name: web, containerPort: 8080}]}]}
      status: {podIPs: [{ip: 10.0.0.2}], conditions: [{type: Ready, status: 'False'}]}
      ---
      apiVersion: v1
      kind: Pod
      metadata: {name: other, namespace: shop, labels: {app: other}}
      spec: {}
      status: {podIPs: [{ip: 10.0.0.3}]}
      ---
      apiVersion: v1
      kind: Service
      metadata: {name: byname, namespace: shop}
      spec:
        selector: {app: client}
        ports: [{name: a, port: 80, targetPort: web}, {name: b, port: 81, targetPort: other}]
      ---
      apiVersion: specs.smi-spec.io/v1alpha4
      kind: TCPRoute
      metadata: {name: other, namespace: shop}
      spec: {matches: {ports: [8080]}}
      ---
      """;

  private static final String SERVICE =
      """
      {apiVersion: v1, kind: Service, metadata: {name: store, namespace: shop},
       spec: {clusterIP: 10.96.0.1, selector: {app: store}, ports: [{port: 80}]}}
      """;

  private static final String SLICE =
      """
      {apiVersion: discovery.k8s.io/v1, kind: EndpointSlice,
       metadata: {name: a, namespace: shop, labels: {kubernetes.io/service-name: byname}},
       addressType: IPv4, endpoints: [{addresses: [10.0.0.1]}], ports: [{name: a, port: 8080}]}
      """;

  private static final String POD =
      """
      {apiVersion: v1, kind: Pod, metadata: {name: client, namespace: shop, labels: {app: client}},
       spec: {containers: [{ports: [{name: web, containerPort: 8080}]}],
              initContainers: [{ports: [{name: other, containerPort: 8081}]}]},
       status: {podIPs: [{ip: 10.0.0.4}]}}
      """;

  private static final String TARGET =
      """
      {apiVersion: access.smi-spec.io/v1alpha3, kind: TrafficTarget,
       metadata: {name: a, namespace: shop},
       spec: {destination: {kind: ServiceAccount, name: store},
              sources: [{kind: ServiceAccount, name: client, namespace: shop}],
              rules: [{kind: TCPRoute, name: other}]}}
      """;

  private static final String ROUTE =
      """
      {apiVersion: specs.smi-spec.io/v1alpha4, kind: TCPRoute,
       metadata: {name: web, namespace: shop}, spec: {}}
      ---
      {apiVersion: access.smi-spec.io/v1alpha3, kind: TrafficTarget,
       metadata: {name: a, namespace: shop},
       spec: {destination: {kind: ServiceAccount, name: store},
              sources: [{kind: ServiceAccount, name: client, namespace: shop}],
              rules: [{kind: TCPRoute, name: web}]}}
      """;

  private static final String GROUP =
      """
      {apiVersion: specs.smi-spec.io/v1alpha4, kind: HTTPRouteGroup,
       metadata: {name: web, namespace: shop}, spec: {matches: [{name: a, pathRegex: /a}]}}
      ---
      {apiVersion: access.smi-spec.io/v1alpha3, kind: TrafficTarget,
       metadata: {name: a, namespace: shop},
       spec: {destination: {kind: ServiceAccount, name: store},
              sources: [{kind: ServiceAccount, name: client, namespace: shop}],
              rules: [{kind: HTTPRouteGroup, name: web}]}}
      """;

  private static final String SPLIT =
      """
      {apiVersion: split.smi-spec.io/v1alpha4, kind: TrafficSplit,
       metadata: {name: a, namespace: shop},
       spec: {service: byname, backends: [{service: store, weight: 1}],
              matches: [{kind: HTTPRouteGroup, name: web}]}}
      ---
      {apiVersion: specs.smi-spec.io/v1alpha4, kind: HTTPRouteGroup,
       metadata: {name: web, namespace: shop}, spec: {matches: [{name: a, pathRegex: /a}]}}
      ---
      {apiVersion: v1, kind: Service, metadata: {name: store, namespace: shop},
       spec: {clusterIP: None, selector: {app: store}, ports: [{port: 80}, {port: 81, name: b}]}}
      """;

  private static final String UPSTREAM =
      """
      {apiVersion: policy.openservicemesh.io/v1alpha1, kind: UpstreamTrafficSetting,
       metadata: {name: a, namespace: shop},
       spec: {host: byname,
              connectionSettings: {http: {circuitBreaking: {errorRatioThreshold: 0.25}}},
              rateLimit: {local: {tcp: {connections: 3, unit: second},
                                  http: {requests: 3, unit: second}},
                          global: {tcp: {rateLimitService: {host: limits, port: 1}, domain: a,
                                         descriptors: [{entries: [{key: b, value: c}]}]},
                                   http: {rateLimitService: {host: limits, port: 1}, domain: a,
                                          descriptors: [{entries: [
                                            {headerValueMatch: {value: c, headers: [
                                              {name: b}]}}]}]}}},
              httpRoutes: [{path: /a, rateLimit: {local: {requests: 3, unit: second},
                global: {descriptors: [{entries: [{requestHeader: {name: b, key: c}}]}]}}}]}}
      """;

  private static final String RETRY =
      """
      {apiVersion: policy.openservicemesh.io/v1alpha1, kind: Retry,
       metadata: {name: a, namespace: shop},
       spec: {source: {kind: ServiceAccount, name: client, namespace: shop},
              destinations: [{kind: Service, name: byname, namespace: shop}],
              retryPolicy: {retryOn: 5xx}}}
      ---
      {apiVersion: config.sluice.io/v1alpha1, kind: MeshConfig,
       metadata: {name: mesh, namespace: sluice-system},
       spec: {featureFlags: {enableRetryPolicy: true}}}
      """;

  private static final String TELEMETRY =
      """
      {apiVersion: policy.openservicemesh.io/v1alpha1, kind: Telemetry,
       metadata: {name: a, namespace: shop},
       spec: {accessLog: {openTelemetry: {extensionService: {name: a, namespace: shop}}}}}
      ---
      {apiVersion: config.openservicemesh.io/v1alpha2, kind: ExtensionService,
       metadata: {name: a, namespace: shop}, spec: {host: otel, port: 4317}}
      """;

  private static final String EXTENSION_SERVICE =
      """
      {apiVersion: config.openservicemesh.io/v1alpha2, kind: ExtensionService,
       metadata: {name: a, namespace: shop}, spec: {host: otel, port: 4317}}
      ---
      {apiVersion: policy.openservicemesh.io/v1alpha1, kind: Telemetry,
       metadata: {name: a, namespace: shop},
       spec: {accessLog: {openTelemetry: {extensionService: {name: a, namespace: shop}}}}}
      """;

  private static final String FAULTS =
      """
      {apiVersion: extension.gateway.flomesh.io/v1alpha1, kind: FaultInjection,
       metadata: {name: a, namespace: shop},
       spec: {delay: {percentage: 10}, abort: {percentage: 10}}}
      ---
      {apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute,
       metadata: {name: a, namespace: shop},
       spec: {parentRefs: [{group: "", kind: Service, name: byname}],
              rules: [{filters: [{type: ExtensionRef, extensionRef: {
                         group: extension.gateway.flomesh.io, kind: FaultInjection, name: a}}],
                       backendRefs: [{name: byname, port: 80}]}]}}
      """;

  private static final String HTTP_ROUTE =
      """
      {apiVersion: gateway.networking.k8s.io/v1, kind: HTTPRoute,
       metadata: {name: a, namespace: shop},
       spec: {parentRefs: [{group: "", kind: Service, name: byname}],
              rules: [{sessionPersistence: {},
                       backendRefs: [{name: byname, port: 80}, {name: byname, port: 81}]}]}}
      """;

  private static final String INGRESS =
      """
      {apiVersion: policy.openservicemesh.io/v1alpha1, kind: IngressBackend,
       metadata: {name: a, namespace: shop},
       spec: {backends: [{name: byname, port: {number: 8080, protocol: http}}],
              sources: [{kind: Service, name: store}],
              matches: [{kind: HTTPRouteGroup, name: web}]}}
      ---
      {apiVersion: specs.smi-spec.io/v1alpha4, kind: HTTPRouteGroup,
       metadata: {name: web, namespace: shop}, spec: {matches: [{name: a, pathRegex: /a}]}}
      ---
      {apiVersion: v1, kind: Service, metadata: {name: store, namespace: shop},
       spec: {clusterIP: None, selector: {app: store}, ports: [{port: 80}]}}
      """;

  private static final String ACCESS_CONTROL = INGRESS.replace("IngressBackend", "AccessControl");

  private static final String ACCESS_CERT =
      """
      {apiVersion: policy.openservicemesh.io/v1alpha1, kind: AccessCert,
       metadata: {name: a, namespace: shop},
       spec: {subjectAltNames: [a.shop.cluster.local], secret: {name: a}}}
      ---
      {apiVersion: config.sluice.io/v1alpha1, kind: MeshConfig,
       metadata: {name: mesh, namespace: sluice-system},
       spec: {featureFlags: {enableAccessCertPolicy: true}}}
      """;

  private static final String EGRESS =
      """
      {apiVersion: policy.openservicemesh.io/v1alpha1, kind: Egress,
       metadata: {name: a, namespace: shop},
       spec: {sources: [{kind: ServiceAccount, name: client, namespace: shop}],
              ports: [{number: 80, protocol: http}], ipAddresses: [192.0.2.0/24],
              matches: [{kind: HTTPRouteGroup, name: web}]}}
      ---
      {apiVersion: specs.smi-spec.io/v1alpha4, kind: HTTPRouteGroup,
       metadata: {name: web, namespace: shop}, spec: {matches: [{name: a, pathRegex: /a}]}}
      """;

  private static final String ISOLATION =
      """
      {apiVersion: policy.flomesh.io/v1alpha1, kind: Isolation,
       metadata: {name: a}, spec: {cidrs: [192.0.2.0/24]}}
      """;

  private static final String MESH_CONFIG =
      """
      {apiVersion: config.sluice.io/v1alpha1, kind: MeshConfig,
       metadata: {name: mesh, namespace: sluice-system},
       spec: {traffic: {inboundExternalAuthorization: {
         enable: true, address: opa.example, port: 9191}},
         observability: {
           remoteLogging: {enable: true, address: logs.example},
           tracing: {enable: true, sampledFraction: 0.5}},
         certificate: {ingressGateway: {
           subjectAltNames: [a.shop.cluster.local], secret: {name: a, namespace: shop}}}}}
      ---
      {apiVersion: policy.openservicemesh.io/v1alpha1, kind: AccessCert,
       metadata: {name: a, namespace: shop},
       spec: {subjectAltNames: [c.shop.cluster.local], secret: {name: c}}}
      ---
      {apiVersion: policy.openservicemesh.io/v1alpha1, kind: Retry,
       metadata: {name: a, namespace: shop},
       spec: {source: {kind: ServiceAccount, name: client, namespace: shop},
              destinations: [{kind: Service, name: byname, namespace: shop}],
              retryPolicy: {retryOn: 5xx}}}
      ---
      {apiVersion: policy.openservicemesh.io/v1alpha1, kind: IngressBackend,
       metadata: {name: a, namespace: shop},
       spec: {backends: [{name: byname, port: {number: 8080, protocol: http}}],
              sources: [{kind: IPRange, name: 192.0.2.0/24}]}}
      ---
      {apiVersion: policy.openservicemesh.io/v1alpha1, kind: AccessControl,
       metadata: {name: a, namespace: shop},
       spec: {backends: [{name: byname, port: {number: 8080, protocol: tcp}}],
              sources: [{kind: IPRange, name: 192.0.2.0/24}]}}
      ---
      {apiVersion: policy.openservicemesh.io/v1alpha1, kind: Egress,
       metadata: {name: a, namespace: shop},
       spec: {sources: [{kind: ServiceAccount, name: client, namespace: shop}],
              ports: [{number: 80, protocol: tcp}]}}
      """;

  /** Values that mean something, and something else than what the object has. */
  private static final Map<String, String> VALUES =
      Map.ofEntries(
          Map.entry("spec.clusterIP", "10.96.0.2"),
          Map.entry("spec.subjectAltNames[]", "b.shop.cluster.local"),
          Map.entry("spec.certificate.ingressGateway.subjectAltNames[]", "b.shop.cluster.local"),
          Map.entry("spec.certificate.ingressGateway.validityDuration", "1h"),
          Map.entry("spec.certificate.serviceCertValidityDuration", "1h"),
          Map.entry("spec.clusterIPs[]", "10.96.0.2"),
          Map.entry("spec.externalIPs[]", "192.0.2.1"),
          Map.entry("spec.internalTrafficPolicy", "Local"),
          Map.entry("spec.ipFamilies[]", "IPv6"),
          Map.entry("spec.ports[].appProtocol", "grpc"),
          Map.entry("spec.ports[].protocol", "UDP"),
          Map.entry("spec.sessionAffinity", "ClientIP"),
          Map.entry("spec.trafficDistribution", "PreferClose"),
          Map.entry("spec.type", "ExternalName"),
          Map.entry("addressType", "FQDN"),
          Map.entry("endpoints[].addresses[]", "10.0.0.9"),
          Map.entry("endpoints[].conditions.ready", "false"),
          Map.entry("ports[].protocol", "UDP"),
          Map.entry("spec.containers[].ports[].protocol", "UDP"),
          Map.entry("spec.initContainers[].ports[].protocol", "UDP"),
          Map.entry("spec.initContainers[].restartPolicy", "Always"),
          Map.entry("spec.dnsConfig.nameservers[]", "192.0.2.53"),
          Map.entry("spec.rules[].name", "nowhere"),
          Map.entry("spec.matches[].methods[]", "PUT"),
          Map.entry("spec.featureFlags.enableIngressBackendPolicy", "false"),
          Map.entry("spec.featureFlags.enableAccessControlPolicy", "false"),
          Map.entry("spec.featureFlags.enableEgressPolicy", "false"),
          Map.entry("spec.featureFlags.enableAccessCertPolicy", "true"),
          Map.entry("spec.rateLimit.global.tcp.failOpen", "false"),
          Map.entry("spec.rateLimit.global.http.failOpen", "false"),
          Map.entry(
              "spec.rateLimit.global.http.descriptors[].entries[].headerValueMatch.expectMatch",
              "false"),
          Map.entry(
              "spec.rateLimit.global.http.descriptors[].entries[].headerValueMatch.headers[].present",
              "false"),
          Map.entry("spec.rules[].timeouts.request", "10s"),
          Map.entry("spec.rules[].timeouts.backendRequest", "1s"),
          Map.entry("spec.delay.min", "10ms"),
          Map.entry("spec.delay.max", "2s"),
          Map.entry("spec.ipAddresses[]", "198.51.100.0/24"),
          Map.entry("spec.cidrs[]", "198.51.100.0/24"),
          Map.entry("spec.traffic.inboundExternalAuthorization.enable", "false"),
          Map.entry("spec.observability.budget", "20Mi/day"),
          Map.entry("spec.observability.remoteLogging.enable", "false"),
          Map.entry("spec.observability.remoteLogging.level", "0"),
          Map.entry("spec.observability.remoteLogging.address", "other.example"),
          Map.entry("spec.observability.remoteLogging.endpoint", "/other"),
          Map.entry("spec.observability.remoteLogging.authorization", "Basic YTpi"),
          Map.entry("spec.observability.remoteLogging.sampledFraction", "0.25"),
          Map.entry("spec.observability.tracing.enable", "false"),
          Map.entry("spec.observability.tracing.protocol", "otlp"),
          Map.entry("spec.observability.tracing.endpoint", "/other"),
          Map.entry("spec.observability.tracing.sampledFraction", "0.25"),
          Map.entry("spec.traffic.mtlsMode", "PERMISSIVE"),
          Map.entry("spec.sidecar.localProxyMode", "PodIP"),
          Map.entry("spec.traffic.metadataMode", "ALLOW"),
          Map.entry("spec.traffic.pingMode", "ALLOW"),
          Map.entry("spec.traffic.dnsResolvers[]", "192.0.2.53"),
          Map.entry("spec.traffic.outboundIPRangeExclusionList[]", "192.0.2.0/24"),
          Map.entry("spec.traffic.outboundIPRangeInclusionList[]", "192.0.2.0/24"),
          Map.entry("spec.certificate.trustDomain", "site-7.example"),
          Map.entry("spec.certificate.deniedIdentities[]", "spiffe://cluster.local/ns/a/sa/b"),
          Map.entry("spec.certificate.deniedSerials[]", "0a"),
          Map.entry("spec.certificate.federatesWith[].trustDomain", "cluster.local"));

  /** Fields without which the one that is set would be no whole call or port. */
  private static final Map<String, String> COMPANIONS =
      Map.of(
          "(spec\\.\\w*ontainers\\[].*\\.(httpGet|tcpSocket|grpc))\\.(?!port$).*", "port",
          "(spec\\.initContainers\\[]\\.ports\\[])\\..*", "containerPort");

  /** Of what is left to others, by expressions for their paths. */
  private static final Map<String, String> NOT_FOR_THE_MESH =
      Map.ofEntries(
          Map.entry(
              "spec\\.(allocateLoadBalancerNodePorts|externalTrafficPolicy|healthCheckNodePort"
                  + "|loadBalancer\\w+|ports\\[]\\.nodePort)",
              "how callers from outside get to the node; kube-proxy and the cloud act on it"),
          Map.entry("spec\\.externalName", "only with type ExternalName, which is refused"),
          Map.entry("spec\\.ipFamilyPolicy", "which addresses the API server gives"),
          Map.entry("spec\\.useDefaultGateways", "which Gateways it is for; Services are named"),
          Map.entry(
              "endpoints\\[]\\.conditions\\.(serving|terminating)",
              "ready says whether new connections may go there"),
          Map.entry(
              "endpoints\\[]\\.(deprecatedTopology|hints|hostname|nodeName|targetRef|zone)(\\..*)?",
              "follows from the Service, or from the Pod and its Node"),
          Map.entry("ports\\[]\\.appProtocol", "a copy of what the Service says"),
          Map.entry(
              "spec\\.(activeDeadlineSeconds|affinity|nodeSelector|overhead|preemptionPolicy"
                  + "|priority|priorityClassName|resourceClaims|resources|restartPolicy"
                  + "|runtimeClassName|schedulerName|schedulingGates|schedulingGroup|tolerations"
                  + "|topologySpreadConstraints|terminationGracePeriodSeconds|readinessGates|os)",
              "where and when the pod runs"),
          Map.entry(
              "spec\\.(automountServiceAccountToken|enableServiceLinks|hostAliases|hostname"
                  + "|hostnameOverride|imagePullSecrets|setHostnameAsFQDN|subdomain|volumes"
                  + "|dnsPolicy|dnsConfig\\.(options|searches).*)",
              "what the pod's files and names are; name servers are read"),
          Map.entry(
              "spec\\.(hostIPC|hostPID|hostUsers|securityContext|shareProcessNamespace)",
              "what a process may do on the node; the network's namespace is the pod's all the"
                  + " same"),
          Map.entry("spec\\.ephemeralContainers", "they have neither ports nor probes"),
          Map.entry(
              "spec\\.(initC|c)ontainers\\[]\\.(args|command|env|envFrom|image|imagePullPolicy|name"
                  + "|resizePolicy|resources|restartPolicyRules|securityContext|stdin|stdinOnce"
                  + "|terminationMessagePath|terminationMessagePolicy|tty|volumeDevices|volumeMounts"
                  + "|workingDir)",
              "what the container runs"),
          Map.entry("spec\\.containers\\[]\\.restartPolicy", "when it runs again"),
          Map.entry(
              "spec\\.(initC|c)ontainers\\[]\\.ports\\[]\\.(hostIP|hostPort)",
              "a way in from outside; its connections arrive at the pod's port"),
          Map.entry("spec\\.initContainers\\[]\\.ports\\[]\\.\\w+", "gone before any call"),
          Map.entry(
              "spec\\.(initC|c)ontainers\\[]\\.\\w+Probe\\.(\\w+Seconds|\\w+Threshold|exec.*)",
              "when the kubelet asks, and what needs no network"),
          Map.entry(
              "spec\\.(initC|c)ontainers\\[]\\.lifecycle\\.(stopSignal|\\w+\\.(exec|sleep).*)",
              "needs no network"),
          Map.entry(
              "spec\\.(initC|c)ontainers\\[]\\..*(httpGet|tcpSocket|grpc)"
                  + "\\.(host|path|scheme|service|httpHeaders.*)",
              "what the kubelet says to the port, which alone is opened to it"),
          Map.entry("spec\\.matches\\.name", "a name for people"),
          Map.entry("spec\\.matches\\[]\\.apiGroup", "there is one API group with the kind"));

  private final List<String> swallowed = new ArrayList<>();

  @Test
  void ofServicesAndTheirEndpoints() {
    check(SERVICE, each -> FieldPaths.ofClass(ServiceSpec.class, "spec", this::isLeftOut, each));
    check(
        SLICE,
        each ->
            FieldPaths.ofClass(
                EndpointSlice.class,
                "",
                path -> path.matches("metadata|kind|apiVersion") || isLeftOut(path),
                (path, value) -> {
                  if (!path.matches("metadata|kind|apiVersion")) {
                    each.accept(path, value);
                  }
                }));

    assertThat(swallowed).isEmpty();
  }

  @Test
  void ofPodsAsFarAsTheyConcernTraffic() {
    check(POD, each -> FieldPaths.ofClass(PodSpec.class, "spec", this::isLeftOut, each));

    assertThat(swallowed).isEmpty();
  }

  @Test
  void ofTheMeshsOwnKinds() throws IOException {
    for (var kind :
        Map.ofEntries(
                Map.entry("meshconfigs.config.sluice.io", MESH_CONFIG),
                Map.entry("traffictargets.access.smi-spec.io", TARGET),
                Map.entry("tcproutes.specs.smi-spec.io", ROUTE),
                Map.entry("udproutes.specs.smi-spec.io", ROUTE.replace("TCPRoute", "UDPRoute")),
                Map.entry("httproutegroups.specs.smi-spec.io", GROUP),
                Map.entry("trafficsplits.split.smi-spec.io", SPLIT),
                Map.entry("retries.policy.openservicemesh.io", RETRY),
                Map.entry("telemetries.policy.openservicemesh.io", TELEMETRY),
                Map.entry("extensionservices.config.openservicemesh.io", EXTENSION_SERVICE),
                Map.entry("upstreamtrafficsettings.policy.openservicemesh.io", UPSTREAM),
                Map.entry("faultinjections.extension.gateway.flomesh.io", FAULTS),
                Map.entry("ingressbackends.policy.openservicemesh.io", INGRESS),
                Map.entry("egresses.policy.openservicemesh.io", EGRESS),
                Map.entry("accesscontrols.policy.openservicemesh.io", ACCESS_CONTROL),
                Map.entry("accesscerts.policy.openservicemesh.io", ACCESS_CERT),
                Map.entry("isolations.policy.flomesh.io", ISOLATION))
            .entrySet()) {
      Path file = Path.of("..", "charts", "sluice", "crds", kind.getKey() + ".yaml");
      JsonNode schema =
          JSON.valueToTree(Serialization.unmarshal(Files.readString(file), Map.class))
              .at("/spec/versions/0/schema/openAPIV3Schema/properties/spec");
      check(kind.getValue(), each -> FieldPaths.ofSchema(schema, "spec", each));
    }

    assertThat(swallowed).isEmpty();
  }

  @Test
  void ofRoutesOfTheGatewayApi() {
    check(
        HTTP_ROUTE, each -> FieldPaths.ofClass(HTTPRouteSpec.class, "spec", this::isLeftOut, each));

    assertThat(swallowed).isEmpty();
  }

  /** Sections of other meshes, and what no mesh has. */
  @ParameterizedTest
  @ValueSource(
      strings = {
        "spec.sidecar.localDNSProxy",
        "spec.traffic.http2PerRequestLoadBalancing",
        "spec.observability.fsmLogLevel",
        "spec.observability.remoteLogging.levels",
        "spec.observability.tracing.tls.caPems",
        "spec.certificate.certKeyBitSize",
        "spec.featureFlags.enableWASMStats",
        "spec.traffic.enableEgres",
        "spec.colour",
        "spec.sidecar.enableThat",
        "spec.certificate.federateWith",
        "spec.sidecar.sidecarImage",
        "spec.warmup.enable",
      })
  void ofMeshConfigsThatTheSchemaDoesNotDescribe(String path) {
    check(
        MESH_CONFIG,
        each -> each.accept(path, JsonNodeFactory.instance.objectNode().put("enable", true)));

    assertThat(swallowed).isEmpty();
  }

  private boolean isLeftOut(String path) {
    for (String expression : NOT_FOR_THE_MESH.keySet()) {
      if (path.matches(expression)) {
        return true;
      }
    }
    return false;
  }

  private void check(String object, Consumer<BiConsumer<String, JsonNode>> fields) {
    Map<String, JsonNode> values = new LinkedHashMap<>();
    fields.accept(values::put);
    assertThat(values).isNotEmpty();
    values.forEach((path, value) -> {
      if (!isLeftOut(path) && isSwallowed(object, path, value)) {
        swallowed.add(path);
      }
    });
  }

  private boolean isSwallowed(String object, String path, JsonNode value) {
    String[] documents = object.split("\n---\n", 2);
    ObjectNode without = JSON.valueToTree(Serialization.unmarshal("#\n" + documents[0], Map.class));
    COMPANIONS.forEach((expression, name) -> {
      if (path.matches(expression)) {
        String parent = path.replaceFirst(expression, "$1");
        set(without, parent + "." + name, JsonNodeFactory.instance.numberNode(8080));
      }
    });
    ObjectNode with = without.deepCopy();
    String meaning = VALUES.get(path);
    set(
        with,
        path,
        meaning == null
            ? value
            : value.isBoolean()
                ? JsonNodeFactory.instance.booleanNode(Boolean.parseBoolean(meaning))
                : JsonNodeFactory.instance.textNode(meaning));
    String rest = SITE + (documents.length > 1 ? documents[1] + "\n---\n" : "");
    return enforced(rest, without).equals(enforced(rest, with))
        && !isNamed(path, told(rest, without, with));
  }

  /** Or something around it that is not acted on as a whole. */
  private static boolean isNamed(String path, String told) {
    String around = path;
    while (around.contains(".")) {
      around = around.substring(0, around.lastIndexOf('.'));
      if (told.contains(around.replace("[]", "[0]") + ": is not acted on")) {
        return true;
      }
    }
    return Pattern.compile("\\b" + lastOf(path) + "\\b").matcher(told).find();
  }

  private static String lastOf(String path) {
    return path.substring(path.lastIndexOf('.') + 1).replace("[]", "");
  }

  /** Sets what is at {@code path}; of lists in the first element. */
  private static void set(ObjectNode object, String path, JsonNode value) {
    String[] parts = path.split("\\.");
    ObjectNode at = object;
    for (int i = 0; i < parts.length; i++) {
      boolean isList = parts[i].endsWith("[]");
      String name = parts[i].replace("[]", "");
      boolean isLast = i + 1 == parts.length;
      if (isList) {
        ArrayNode list = at.get(name) instanceof ArrayNode there ? there : at.putArray(name);
        if (isLast) {
          list.removeAll();
          list.add(value);
        } else {
          at = list.isEmpty() ? list.addObject() : (ObjectNode) list.get(0);
        }
      } else if (isLast) {
        at.set(name, value);
      } else {
        at = at.get(name) instanceof ObjectNode there ? there : at.putObject(name);
      }
    }
  }

  /** All that a node is given. */
  private static String enforced(String rest, ObjectNode object) {
    List<KubernetesObject> objects = ObjectReader.read("a.yaml", bytes(rest, object)).objects();
    CompiledChange change = new IncrementalCompiler(RULES, 0).apply(Map.of("", objects));
    MeshSnapshot snapshot = change.snapshot();
    return String.join(
        "\n",
        snapshot.settings().toString(),
        snapshot.workloads().toString(),
        snapshot.services().toString(),
        snapshot.permissions().toString(),
        snapshot.all(Kind.DATAGRAM_PERMISSION).toString(),
        snapshot.all(Kind.DATAGRAM_SERVICE).toString(),
        snapshot.all(Kind.ROUTE).toString(),
        snapshot.all(Kind.RETRY).toString(),
        snapshot.all(Kind.UPSTREAM_SETTING).toString(),
        snapshot.all(Kind.INGRESS).toString(),
        snapshot.all(Kind.EGRESS).toString(),
        snapshot.all(Kind.ACCESS_LOG).toString(),
        change.certificates().toString());
  }

  /** What is said of the object once the field is there. */
  private static String told(String rest, ObjectNode without, ObjectNode with) {
    List<String> before = sentences(rest, without);
    return String.join(
        "\n", sentences(rest, with).stream().filter(each -> !before.contains(each)).toList());
  }

  private static List<String> sentences(String rest, ObjectNode object) {
    return Validation.ofMesh(Map.of("a.yaml", bytes(rest, object)), RULES).findings().stream()
        .map(Finding::sentence)
        .toList();
  }

  private static byte[] bytes(String rest, ObjectNode object) {
    try {
      return (rest + JSON.writeValueAsString(object)).getBytes(StandardCharsets.UTF_8);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }
}
