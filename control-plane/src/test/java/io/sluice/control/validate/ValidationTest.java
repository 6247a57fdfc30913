package io.sluice.control.validate;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.tuple;

import io.sluice.control.compile.CompilerSettings;
import io.sluice.control.compile.Ground;
import io.sluice.control.validate.Finding.Level;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ValidationTest {
  private static final String TARGET =
      """
      apiVersion: access.smi-spec.io/v1alpha3
      kind: TrafficTarget
      metadata: {name: web, namespace: shop}
      spec:
        destination: {kind: ServiceAccount, name: web}
        sources: [{kind: ServiceAccount, name: db, namespace: shop}]
        rules: [{kind: TCPRoute, name: main}]
      """;

  private static final String ROUTE =
      """
      apiVersion: specs.smi-spec.io/v1alpha4
      kind: TCPRoute
      metadata: {name: main, namespace: shop}
      spec: {matches: {ports: [80]}}
      """;

  @Test
  void findsNothingInWhatWouldBeUsedAsWritten() {
    Validation validation = ofMesh(TARGET, ROUTE);

    assertThat(validation.findings()).isEmpty();
    assertThat(validation.objects()).isEqualTo(2);
    assertThat(validation.hasErrors()).isFalse();
  }

  @Test
  void holdsTheObjectsOfAllFilesAgainstEachOther() {
    Validation alone = ofMesh(TARGET);

    assertThat(alone.hasErrors()).isTrue();
    assertThat(alone.findings())
        .extracting(Finding::level, Finding::object, Finding::field)
        .containsExactly(tuple(Level.ERROR, "TrafficTarget shop/web", "spec.rules[0]"));
    assertThat(alone.findings().getLast().mend())
        .isEqualTo("create the TCPRoute in namespace shop");
  }

  @Test
  void takesWhatAnObjectNamesToExistWhenItIsAskedAboutTheObjectAlone() {
    assertThat(ofObjects(TARGET).findings()).isEmpty();
    assertThat(ofObjects(TARGET.replace("kind: TCPRoute", "kind: TCPRule")).findings())
        .singleElement()
        .satisfies(finding -> {
          assertThat(finding.level()).isEqualTo(Level.ERROR);
          assertThat(finding.field()).isEqualTo("spec.rules[0].kind");
          assertThat(finding.reason()).isEqualTo("TCPRule is not known");
          assertThat(finding.mend()).isEqualTo("use a TCPRoute, a UDPRoute or an HTTPRouteGroup");
        });
  }

  @Test
  void knowsTheFieldsOfRoutesOfServicesAndLeavesThoseOfGatewaysAlone() {
    String route =
        """
        apiVersion: gateway.networking.k8s.io/v1
        kind: HTTPRoute
        metadata: {name: web, namespace: shop}
        spec:
          parentRefs: [{group: "", kind: Service, name: web}]
          rules:
          - match: []
            filters: [{type: ExternalAuth, externalAuth: {}}]
            backendRefs: [{name: v1, port: 80}]
        """;

    assertThat(ofObjects(route).findings())
        .extracting(Finding::level, Finding::field)
        .containsExactlyInAnyOrder(
            tuple(Level.ERROR, "spec.rules[0].match"),
            tuple(Level.ERROR, "spec.rules[0].filters[0].type"));
    String mirror = "type: RequestMirror, requestMirror: {backendRefs: {name: v2, port: 80}}";
    assertThat(ofObjects(route.replace("type: ExternalAuth, externalAuth: {}", mirror)).findings())
        .extracting(Finding::field, Finding::mend)
        .contains(
            tuple(
                "spec.rules[0].filters[0].requestMirror.backendRefs",
                "did you mean 'backendRef'?"));
    assertThat(ofObjects(route.replace("group: \"\", kind: Service, ", "")).findings()).isEmpty();
    assertThat(ofObjects(route.replace("group: \"\", ", "")).findings())
        .extracting(Finding::field, Finding::mend)
        .contains(tuple("spec.parentRefs[0].kind", "write group: \"\" beside it"));
  }

  @Test
  void aNumberThatIsNoDurationIsNotToBePutInQuotes() {
    String retry =
        """
        apiVersion: policy.openservicemesh.io/v1alpha1
        kind: Retry
        metadata: {name: again, namespace: shop}
        spec:
          source: {kind: ServiceAccount, name: buyer, namespace: shop}
          destinations: [{kind: Service, name: store, namespace: shop}]
          retryPolicy: {retryOn: "5xx", perTryTimeout: 500}
        """;

    assertThat(ofObjects(retry).findings())
        .filteredOn(finding -> finding.field().equals("spec.retryPolicy.perTryTimeout"))
        .extracting(Finding::mend)
        .containsExactly("write a duration such as 25ms, 1s or 1m30s");
  }

  @Test
  void aSlipOfAFlagIsNoFlagThatIsNotEnforcedYet() {
    String config =
        """
        apiVersion: config.openservicemesh.io/v1alpha2
        kind: MeshConfig
        metadata: {name: osm-mesh-config, namespace: osm-system}
        spec:
          featureFlags:
            enableRetryPolicies: true
            enablePluginPolicy: true
            other: true
          observability:
            whatever: true
        """;
    String list = "remove it; docs/reference/crds.md lists those that there are";

    assertThat(ofMesh(config).findings()).extracting(Finding::line).containsExactly(6, 7, 8, 10);
    for (Validation validation : List.of(ofMesh(config), ofObjects(config))) {
      assertThat(validation.findings())
          .extracting(Finding::level, Finding::field, Finding::reason, Finding::mend)
          .containsExactlyInAnyOrder(
              tuple(
                  Level.ERROR,
                  "spec.featureFlags.enableRetryPolicies",
                  "no such field is known",
                  "did you mean 'enableRetryPolicy'?"),
              tuple(
                  Level.WARNING, "spec.featureFlags.enablePluginPolicy", "is not enforced yet", ""),
              tuple(Level.WARNING, "spec.featureFlags.other", "is not known", list),
              tuple(Level.WARNING, "spec.observability.whatever", "is not known", list));
    }
  }

  /** The same words as in statuses and from the webhook. */
  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "access.smi-spec.io/v1alpha3 | TraficTarget | ERROR | kind | access.smi-spec.io has no kind"
            + " TraficTarget; did you mean TrafficTarget?",
        "specs.smi-spec.io/v1alpha4 | Nonsense | ERROR | kind | specs.smi-spec.io has no kind"
            + " Nonsense; write one of HTTPRouteGroup, TCPRoute, UDPRoute",
        "gateway.networking.k8s.io/v1 | HTTPRout | ERROR | kind | gateway.networking.k8s.io has no"
            + " kind HTTPRout; did you mean HTTPRoute?",
        "gateway.networking.k8s.io/v1 | OfTomorrow | INFO | '' | the mesh does not read this kind",
        "gateway.networking.k8s.io/v1 | Gateway | INFO | '' | the mesh does not read this kind",
        "policy.openservicemesh.io/v1alpha1 | Egres | ERROR | kind | policy.openservicemesh.io has"
            + " no kind Egres; did you mean Egress?",
        "config.openservicemesh.io/v1alpha2 | MeshConfg | ERROR | kind | config.openservicemesh.io"
            + " has no kind MeshConfg; did you mean MeshConfig?",
        "sluice.io/v1 | Foo | ERROR | kind | sluice.io has no kind Foo; remove it",
        "acess.smi-spec.io/v1alpha3 | TrafficTarget | ERROR | apiVersion | no group"
            + " acess.smi-spec.io is known; did you mean access.smi-spec.io?",
        "access.smi-spec.io/v1alpha2 | TrafficTarget | ERROR | apiVersion | version v1alpha2 of this"
            + " API is not read; write access.smi-spec.io/v1alpha3",
        "apps/v1 | Deployment | INFO | '' | the mesh does not read this kind"
      })
  void knowsWhichKindsThereAre(
      String apiVersion, String kind, Level level, String field, String told) {
    String object =
        """
        apiVersion: %s
        kind: %s
        metadata: {name: it, namespace: shop}
        """
            .formatted(apiVersion, kind);

    for (Validation validation : List.of(ofMesh(object), ofObjects(object))) {
      assertThat(validation.findings())
          .singleElement()
          .satisfies(finding -> {
            assertThat(finding.level()).isEqualTo(level);
            assertThat(finding.field()).isEqualTo(field);
            assertThat(finding.sentence()).endsWith(told);
          });
    }
    assertThat(ofMesh(object).findings().getFirst().line()).isEqualTo(field.equals("kind") ? 2 : 1);
  }

  @Test
  void knowsTheLabelsAndAnnotationsOfItsOwnDomainAnywhere() {
    String deployment =
        """
        apiVersion: apps/v1
        kind: Deployment
        metadata:
          name: web
          namespace: shop
          annotations:
            sluice.io/whatever: x
            example.org/mtls-mod: x
            flomesh.io/mesh-service-sync: consul
            flomesh.io/traffic-warmup-enabled: "true"
            openservicemesh.io/monitored-by: osm
            sluice.io/interception: written by the mesh
        spec:
          template:
            metadata:
              labels:
                sluice.io/mtls-mode: STRICT
              annotations:
                sluice.io/mtls-mod: STRICT
                sluice.io/mtls-mode: STRICT
        """;

    assertThat(ofMesh(deployment).findings())
        .filteredOn(finding -> finding.level() == Level.ERROR)
        .extracting(Finding::line, Finding::field, Finding::mend)
        .containsExactly(
            tuple(
                7,
                "metadata.annotations[\"sluice.io/whatever\"]",
                "remove it; docs/reference/annotations.md lists those that it has"),
            tuple(
                17,
                "spec.template.metadata.labels[\"sluice.io/mtls-mode\"]",
                "put it below annotations"),
            tuple(
                19,
                "spec.template.metadata.annotations[\"sluice.io/mtls-mod\"]",
                "did you mean 'sluice.io/mtls-mode'?"));
    assertThat(ofMesh(deployment).findings())
        .filteredOn(finding -> finding.level() == Level.WARNING)
        .extracting(Finding::line, Finding::mend)
        .containsExactly(
            tuple(10, "did you mean 'flomesh.io/traffic-warmup-enable'?"),
            tuple(11, "put it below labels"));
  }

  /** To look for what was meant of each would keep the webhook from everybody else. */
  @Test
  void looksForWhatWasMeantOfTheFirstUnknownKeysAlone() {
    String many =
        IntStream.range(0, 1_000)
            .mapToObj("    flomesh.io/traffic-warmup-enabl%03d: x"::formatted)
            .collect(Collectors.joining("\n"));
    assertThat(
            ofMesh(
                    "apiVersion: v1\nkind: Pod\nmetadata:\n  name: a\n  namespace: shop\n"
                        + "  annotations:\n"
                        + many)
                .findings())
        .filteredOn(finding -> finding.mend().startsWith("did you mean"))
        .hasSize(16);
  }

  @Test
  void pointsAtTheLineOfTheField() {
    String target =
        """
        apiVersion: access.smi-spec.io/v1alpha3
        kind: TrafficTarget
        metadata: {name: web, namespace: shop}
        spec:
          destination:
            kind: ServiceAcount
            name: web
          sources:
          - kind: ServiceAccount
            name: db
            namespace: shop
          rules:
          - kind: TCPRoute
            name: main
        """;

    assertThat(ofMesh(ROUTE + "---\n" + target).findings())
        .singleElement()
        .satisfies(finding -> {
          assertThat(finding.field()).isEqualTo("spec.destination.kind");
          assertThat(finding.line()).isEqualTo(11);
        });
    assertThat(
            ofMesh(target.replace("Acount", "Account").replace("name: db", "nam: db")).findings())
        .extracting(Finding::line, Finding::field, Finding::mend)
        .contains(
            tuple(10, "spec.sources[0].nam", "did you mean 'name'?"),
            tuple(9, "spec.sources[0].name", "add it"));
  }

  @Test
  void warnsOfARouteThatNamesAServicesPort() {
    String service =
        """
        apiVersion: v1
        kind: Service
        metadata: {name: web, namespace: shop}
        spec: {selector: {app: web}, ports: [{port: 80, targetPort: 8080}]}
        """;

    assertThat(ofMesh(ROUTE, service).findings())
        .filteredOn(finding -> finding.object().startsWith("TCPRoute"))
        .singleElement()
        .satisfies(finding -> {
          assertThat(finding.level()).isEqualTo(Level.WARNING);
          assertThat(finding.line()).isEqualTo(4);
          assertThat(finding.sentence())
              .isEqualTo(
                  "TCPRoute shop/main: spec.matches.ports: 80 is a port of Service web, which leads"
                      + " to pod port 8080; a TCPRoute means ports of pods; write 8080");
        });
    assertThat(ofMesh(ROUTE, service.replace("8080", "name")).findings())
        .extracting(Finding::mend)
        .contains("write the number that containers call name");
    for (String granted : List.of(ROUTE.replace("80]", "8080]"), ROUTE.replace("shop", "other"))) {
      assertThat(ofMesh(granted, service).findings())
          .noneMatch(finding -> finding.object().startsWith("TCPRoute"));
    }
    assertThat(ofMesh(ROUTE, service.replace("8080", "80")).findings())
        .noneMatch(finding -> finding.object().startsWith("TCPRoute"));
  }

  @Test
  void namesObjectFieldAndLineOfWhatCannotBeRead() {
    String broken = ROUTE + "---\n" + ROUTE.replace("[80]", "[80, 70000]").replace("main", "other");

    assertThat(ofMesh(broken).findings())
        .containsExactly(
            new Finding(
                "0.yaml",
                9,
                "TCPRoute shop/other",
                "spec.matches.ports[1]",
                Level.ERROR,
                "70000 is outside 1..65535",
                "write a port from 1 to 65535, without quotes",
                "",
                Ground.MISTAKEN));
  }

  @Test
  void namesTheItemOfAListThatIsMeant() {
    String list =
        """
        apiVersion: v1
        kind: List
        items:
        - {apiVersion: v1, kind: ServiceAccount, metadata: {name: good}}
        - {apiVersion: v1, kind: ServiceAccount, metadata: {name: Bad_Name, namespace: shop}}
        """;

    assertThat(ofMesh(list).findings())
        .singleElement()
        .satisfies(finding -> {
          assertThat(finding.object()).isEqualTo("ServiceAccount shop/Bad_Name");
          assertThat(finding.field()).isEqualTo("items[1].metadata.name");
        });
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "TrafficTarget; rules:; ruels: []\\n  rules:; spec.ruels",
        "TrafficTarget; name: db,; name: db, namespcae: x,; spec.sources[0].namespcae",
        "TrafficTarget; spec:; extra: 1\\nspec:; extra",
        "TCPRoute; ports:; port: 80, ports:; spec.matches.port",
        "MeshConfig; mtlsMode:; mtlsmode: STRICT, mtlsMode:; spec.traffic.mtlsmode",
        "MeshConfig; kind:; data: {}\\nkind:; data",
        "MeshConfig; traffic:; sidecar: {sidecarDisabledMTSL: true}, traffic:; spec.sidecar.sidecarDisabledMTSL",
        "MeshConfig; traffic:; certificate: {federateWith: []}, traffic:; spec.certificate.federateWith",
        "MeshConfig; traffic:; certificate: {deniedIdentites: []}, traffic:; spec.certificate.deniedIdentites",
      })
  void findsFieldsThatNobodyKnows(String kind, String before, String after, String field) {
    String config =
        """
        apiVersion: config.sluice.io/v1alpha1
        kind: MeshConfig
        metadata: {name: sluice-mesh-config, namespace: sluice-system}
        spec: {traffic: {mtlsMode: STRICT}}
        """;
    String text = kind.equals("TCPRoute") ? ROUTE : kind.equals("MeshConfig") ? config : TARGET;

    Validation validation = ofObjects(text.replaceFirst(before, after.replace("\\n", "\n")));

    assertThat(ofObjects(text).findings()).isEmpty();
    assertThat(validation.findings())
        .filteredOn(finding -> finding.reason().equals("no such field is known"))
        .singleElement()
        .satisfies(finding -> {
          assertThat(finding.field()).isEqualTo(field);
          assertThat(finding.object()).startsWith(kind);
          assertThat(finding.level()).isEqualTo(Level.ERROR);
        });
  }

  /** Of OSM, osm-edge and FSM: an object of theirs is not refused for what has no effect. */
  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "certificate.certKeyBitSize; ''",
        "sidecar.envoyImage; ''",
        "sidecar.compressConfig; ''",
        "observability.fsmLogLevel; ''",
        "traffic.useHTTPSIngress; ''",
        "traffic.interceptionMode; set the chart value interception.mode, or --mode",
      })
  void warnsOfFieldsOfOtherMeshesThatHaveNoEffect(String path, String mend) {
    String config =
        """
        apiVersion: config.flomesh.io/v1alpha3
        kind: MeshConfig
        metadata: {name: fsm-mesh-config, namespace: fsm-system}
        spec: {%s: {%s: something}}
        """
            .formatted((Object[]) path.split("\\."));

    assertThat(ofObjects(config).findings())
        .singleElement()
        .satisfies(finding -> {
          assertThat(finding.level()).isEqualTo(Level.WARNING);
          assertThat(finding.field()).isEqualTo("spec." + path);
          assertThat(finding.reason()).isEqualTo("is not enforced yet");
          assertThat(finding.mend()).isEqualTo(mend);
        });
  }

  @Test
  void leavesTheFieldsOfKubernetesToItsApiServer() {
    String pod =
        """
        apiVersion: v1
        kind: Pod
        metadata: {name: web, namespace: shop, anything: {}}
        spec: {somethingNew: 1}
        """;

    assertThat(ofMesh(pod).findings()).isEmpty();
  }

  @Test
  void tellsOfWhatIsNoYaml() {
    assertThat(ofMesh("{").findings())
        .singleElement()
        .satisfies(finding -> assertThat(finding.object()).isEmpty());
    assertThat(ofMesh("").hasErrors()).isTrue();
  }

  private static Validation ofObjects(String text) {
    return Validation.ofObjects(
        "object.yaml", text.getBytes(StandardCharsets.UTF_8), CompilerSettings.USUAL);
  }

  private static Validation ofMesh(String... texts) {
    Map<String, byte[]> files = new HashMap<>();
    for (String text : List.of(texts)) {
      files.put(files.size() + ".yaml", text.getBytes(StandardCharsets.UTF_8));
    }
    return Validation.ofMesh(files, CompilerSettings.USUAL);
  }
}
