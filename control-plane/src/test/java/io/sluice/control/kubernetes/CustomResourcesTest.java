package io.sluice.control.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.control.objects.ReadableKind;
import io.sluice.mesh.Cidr;
import java.io.IOException;
import java.math.BigDecimal;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;
import org.snakeyaml.engine.v2.api.Load;
import org.snakeyaml.engine.v2.api.LoadSettings;

/** The definitions of custom resources that the chart installs, against what the readers read. */
class CustomResourcesTest {
  private static final Path FOLDER = Path.of("..", "charts", "sluice", "crds");

  private static final Pattern SELF_FIELD = Pattern.compile("\\bself\\.([A-Za-z]+)");

  private static final String CONDITION =
      """
      status:
        conditions:
        - type: Accepted
          status: 'False'
          observedGeneration: 2
          lastTransitionTime: '2026-11-20T09:44:00Z'
          reason: Unusable
          message: 'spec.sources names no usable source; add a ServiceAccount'
      """;

  private static JsonNode yaml(String text) {
    return new ObjectMapper()
        .valueToTree(new Load(LoadSettings.builder().build()).loadFromString(text));
  }

  private static JsonNode definition(ReadableKind kind) throws IOException {
    return yaml(Files.readString(FOLDER.resolve(kind.resource() + "." + kind.group() + ".yaml")));
  }

  private static List<String> problems(ReadableKind kind, JsonNode object) throws IOException {
    JsonNode version = definition(kind).path("spec").path("versions").path(0);
    return SchemaCheck.problems(version.path("schema").path("openAPIV3Schema"), object);
  }

  @ParameterizedTest
  @EnumSource(
      value = ReadableKind.class,
      names = {
        "MESH_CONFIG",
        "TRAFFIC_TARGET",
        "TCP_ROUTE",
        "HTTP_ROUTE_GROUP",
        "TRAFFIC_SPLIT",
        "RETRY",
        "TELEMETRY",
        "EXTENSION_SERVICE",
        "UPSTREAM_TRAFFIC_SETTING",
        "INGRESS_BACKEND",
        "ACCESS_CONTROL",
        "EGRESS",
        "ISOLATION"
      })
  void definesWhatTheReadersRead(ReadableKind kind) throws Exception {
    JsonNode definition = definition(kind);
    JsonNode spec = definition.path("spec");

    assertThat(definition.at("/metadata/name").asText())
        .isEqualTo(kind.resource() + "." + kind.group());
    assertThat(spec.path("group").asText()).isEqualTo(kind.group());
    assertThat(spec.at("/names/kind").asText()).isEqualTo(kind.kind());
    assertThat(spec.at("/names/plural").asText()).isEqualTo(kind.resource());
    assertThat(spec.path("scope").asText())
        .isEqualTo(kind.isNamespaced() ? "Namespaced" : "Cluster");
    assertThat(spec.path("versions"))
        .extracting(version -> version.path("name").asText())
        .containsExactlyElementsOf(kind.versions());
    assertThat(spec.path("versions"))
        .filteredOn(version -> version.path("storage").asBoolean())
        .containsExactly(spec.path("versions").path(0));
    assertThat(spec.path("versions"))
        .allSatisfy(version -> {
          assertThat(version.at("/subresources/status").isObject()).isTrue();
          assertThat(version.path("additionalPrinterColumns"))
              .extracting(column -> column.path("name").asText())
              .containsSubsequence("Accepted", "Programmed", "Age");
          JsonNode status = version.at("/schema/openAPIV3Schema/properties/status/properties");
          boolean isPolicy = kind.group().startsWith("policy.");
          assertThat(status.has("currentStatus")).isEqualTo(isPolicy);
          assertThat(status.has("reason")).isEqualTo(isPolicy);
          assertThat(version.path("additionalPrinterColumns").findValuesAsText("jsonPath"))
              .filteredOn(".status.currentStatus"::equals)
              .hasSize(isPolicy ? 1 : 0);
        });
  }

  @Test
  void takesWhatTheMeshTakes() throws Exception {
    String config =
        """
        apiVersion: config.sluice.io/v1alpha1
        kind: MeshConfig
        metadata: {name: sluice-mesh-config, namespace: sluice-system}
        spec:
          traffic:
            enablePermissiveTrafficPolicyMode: false
            enableEgress: true
            mtlsMode: PERMISSIVE
            dnsResolvers: [10.96.0.10, fd00::/64, '::/0']
            metadataMode: ALLOW
            pingMode: PLAIN
            outboundPortExclusionList: [6379]
            outboundIPRangeExclusionList: [10.1.0.0/16, fd00::/64]
            networkInterfaceExclusionList: [net1]
          sidecar: {sidecarDisabledMTLS: false, logLevel: error}
          certificate:
            deniedIdentities: [spiffe://cluster.local/ns/shop/sa/web]
            deniedSerials: ['0a:1b', 'ff']
            federatesWith: [{trustDomain: partner.example, trustBundle: PEM}]
          observability: {tracing: {enable: true, sampledFraction: 0.1, endpoint: /api/v2/spans}}
        """;

    assertThat(problems(ReadableKind.MESH_CONFIG, yaml(config + CONDITION))).isEmpty();
    assertThat(
            problems(
                ReadableKind.TRAFFIC_TARGET, yaml(SiteManifests.target("web", "db") + CONDITION)))
        .isEmpty();
    assertThat(problems(ReadableKind.TCP_ROUTE, yaml(SiteManifests.route("[8080]") + CONDITION)))
        .isEmpty();
    assertThat(
            problems(
                ReadableKind.HTTP_ROUTE_GROUP,
                yaml(
                    """
                    apiVersion: specs.smi-spec.io/v1alpha4
                    kind: HTTPRouteGroup
                    metadata: {name: books, namespace: shop}
                    spec:
                      matches:
                      - {name: buy, pathRegex: /buy, methods: [GET], headers: {host: shop}}
                    """
                        + CONDITION)))
        .isEmpty();
  }

  @Test
  void takesTrafficSplitsAsTheirReaderDoes() throws Exception {
    String split =
        """
        apiVersion: split.smi-spec.io/v1alpha4
        kind: TrafficSplit
        metadata: {name: split, namespace: shop}
        spec:
          service: web
          backends: [{service: v1, weight: %s}]
          matches: [{kind: HTTPRouteGroup, name: books}]
        """
            + CONDITION;

    for (String good : List.of("0", "1000000", "500m", "'1'")) {
      assertThat(problems(ReadableKind.TRAFFIC_SPLIT, yaml(split.formatted(good)))).isEmpty();
    }
    for (String bad : List.of("-1", "1000001", "1.5k", "true")) {
      assertThat(problems(ReadableKind.TRAFFIC_SPLIT, yaml(split.formatted(bad)))).isNotEmpty();
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "{traffic: {mtlsMode: LOOSE}}; .spec.traffic.mtlsMode: is not one of",
        "{traffic: {metadataMode: allow}}; .spec.traffic.metadataMode: is not one of",
        "{traffic: {dnsResolvers: [dns.example]}}; does not match",
        "{traffic: {enableEgress: 'yes'}}; .spec.traffic.enableEgress: is no boolean",
        "{traffic: {inboundPortExclusionList: [0]}}; .spec.traffic.inboundPortExclusionList[0]: is too",
        "{traffic: {outboundIPRangeInclusionList: [10.0.0.1]}}; does not match",
        "{traffic: {outboundIPRangeExclusionList: [10.0.0.0/33]}}; does not match",
        "{traffic: {outboundIPRangeExclusionList: ['fd00::/129']}}; does not match",
        "{traffic: {outboundIPRangeExclusionList: [fd00/64]}}; does not match",
        "{certificate: {trustDomain: Site7}}; .spec.certificate.trustDomain: does not match",
        "{certificate: {deniedSerials: [xyz]}}; .spec.certificate.deniedSerials[0]: does not match",
        "{certificate: {deniedIdentities: [web]}}; deniedIdentities[0]: does not match",
        "{certificate: {federatesWith: [{trustDomain: A, trustBundle: b}]}}; trustDomain: does not match",
        "{certificate: {federatesWith: [{trustDomain: a}]}}; federatesWith[0]",
        "[]; .spec: is no object"
      })
  void refusesWhatTheMeshRefuses(String spec, String said) throws Exception {
    JsonNode config =
        yaml(
            "{apiVersion: config.sluice.io/v1alpha1, kind: MeshConfig, metadata: {name: a}, spec: "
                + spec
                + "}");

    assertThat(problems(ReadableKind.MESH_CONFIG, config))
        .singleElement()
        .satisfies(problem -> assertThat(problem).contains(said));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "192.0.2.0/24",
        "255.249.199.90",
        "2001:db8::/32",
        "::/0",
        "::1",
        "300.0.2.0/24",
        "192.0.2/24",
        "192.0.2.0/33",
        "192.0.2.0/",
        "site-b",
        "fd00::/129",
        "fd00/64"
      })
  void takesOfIsolatedRangesThoseThatTheReaderReads(String range) throws Exception {
    JsonNode isolation =
        yaml(
            "{apiVersion: policy.flomesh.io/v1alpha1, kind: Isolation, metadata: {name: a},"
                + " spec: {cidrs: ['%s']}}".formatted(range));
    boolean isRead = catchThrowable(() -> Cidr.parse(range)) == null;

    assertThat(problems(ReadableKind.ISOLATION, isolation).isEmpty()).isEqualTo(isRead);
  }

  @ParameterizedTest
  @ValueSource(strings = {"kind: ServiceAccount", "sources:", "name: web, namespace: shop"})
  void refusesATargetThatLacksAPart(String part) throws Exception {
    String target = SiteManifests.target("web", "db");

    assertThat(problems(ReadableKind.TRAFFIC_TARGET, yaml(target.replace(part, "x" + part))))
        .isNotEmpty();
  }

  /** Nothing here evaluates CEL: these are facts about its text. */
  @ParameterizedTest
  @EnumSource(
      value = ReadableKind.class,
      names = {
        "MESH_CONFIG",
        "TRAFFIC_TARGET",
        "TCP_ROUTE",
        "HTTP_ROUTE_GROUP",
        "TRAFFIC_SPLIT",
        "INGRESS_BACKEND",
        "ACCESS_CONTROL",
        "EGRESS",
        "ISOLATION"
      })
  void hasRulesThatSpeakOfFieldsThatAreThereAndSayTheMend(ReadableKind kind) throws Exception {
    JsonNode version = definition(kind).path("spec").path("versions").path(0);

    requireSensibleRules(version.path("schema").path("openAPIV3Schema"));
  }

  /** One of another mesh denies nothing of this one. */
  @Test
  void refusesToDenyAPartOfTheMeshButNotOneOfAnotherMesh() throws Exception {
    JsonNode certificate =
        definition(ReadableKind.MESH_CONFIG)
            .at("/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/certificate");

    assertThat(certificate.path("x-kubernetes-validations"))
        .filteredOn(rule -> rule.path("rule").asText().contains("self.deniedIdentities"))
        .singleElement()
        .satisfies(rule -> {
          assertThat(rule.path("rule").asText().replaceAll("\\s+", " "))
              .contains(
                  "!identity.contains('/ns/sluice-system/') || (has(self.federatesWith) &&"
                      + " self.federatesWith.exists(mesh, identity.startsWith('spiffe://' +"
                      + " mesh.trustDomain + '/')))");
          assertThat(rule.path("message").asText())
              .isEqualTo(
                  "this would deny a part of the mesh itself; deny its certificate by serial number"
                      + " instead");
        });
  }

  private static void requireSensibleRules(JsonNode schema) {
    for (JsonNode validation : schema.path("x-kubernetes-validations")) {
      String rule = validation.path("rule").asText();
      assertThat(validation.path("message").asText()).as(rule).contains("; ");
      assertThat(rule.chars().filter(letter -> letter == '(').count())
          .as(rule)
          .isEqualTo(rule.chars().filter(letter -> letter == ')').count());
      assertThat(rule.chars().filter(letter -> letter == '\'').count() % 2).as(rule).isZero();
      Matcher field = SELF_FIELD.matcher(rule);
      while (field.find()) {
        JsonNode named = schema.path("properties").path(field.group(1));
        assertThat(named.isMissingNode()).as("%s in %s", field.group(), rule).isFalse();
        // Else the API server takes the rule for one that may cost any time, and refuses it.
        assertThat(!named.path("type").asText().equals("array") || named.has("maxItems"))
            .as("%s in %s is bounded", field.group(), rule)
            .isTrue();
      }
    }
    schema.path("properties").forEach(CustomResourcesTest::requireSensibleRules);
    if (schema.has("items")) {
      requireSensibleRules(schema.get("items"));
    }
  }

  /**
   * Checks an object against the structural schema of a custom resource, without its CEL rules.
   * Knows every keyword that our schemas use and refuses others; fields that a schema does not know
   * are wrong, since the API server would drop them.
   */
  private static final class SchemaCheck {
    private static final Set<String> KEYWORDS =
        Set.of(
            "type",
            "description",
            "properties",
            "additionalProperties",
            "items",
            "required",
            "enum",
            "pattern",
            "format",
            "minimum",
            "maximum",
            "minLength",
            "maxLength",
            "minItems",
            "maxItems",
            "maxProperties",
            "x-kubernetes-int-or-string",
            "x-kubernetes-preserve-unknown-fields",
            "x-kubernetes-validations",
            "x-kubernetes-list-type",
            "x-kubernetes-list-map-keys");

    private final List<String> problems = new ArrayList<>();

    private SchemaCheck() {}

    /** Problems as {@code path: what}, in order; empty where the object is valid. */
    static List<String> problems(JsonNode schema, JsonNode object) {
      SchemaCheck check = new SchemaCheck();
      check.value("", schema, object);
      return check.problems;
    }

    private void value(String path, JsonNode schema, JsonNode value) {
      schema
          .fieldNames()
          .forEachRemaining(keyword -> {
            if (!KEYWORDS.contains(keyword)) {
              throw new IllegalArgumentException(path + ": unknown keyword " + keyword);
            }
          });
      String type = schema.path("type").asText();
      if (type.isEmpty() && schema.path("x-kubernetes-int-or-string").asBoolean()) {
        type = value.isTextual() ? "string" : "integer";
      }
      switch (type) {
        case "object" -> object(path, schema, value);
        case "array" -> array(path, schema, value);
        case "string" -> string(path, schema, value);
        case "integer", "number" -> number(path, schema, value, type.equals("integer"));
        case "boolean" -> require(value.isBoolean(), path, "is no boolean");
        default -> throw new IllegalArgumentException(path + ": a structural schema has a type");
      }
      if (schema.has("enum")) {
        boolean isListed = false;
        for (JsonNode allowed : schema.get("enum")) {
          isListed |= allowed.equals(value);
        }
        require(isListed, path, "is not one of " + schema.get("enum"));
      }
    }

    private void object(String path, JsonNode schema, JsonNode value) {
      if (!value.isObject()) {
        problems.add(path + ": is no object");
        return;
      }
      for (JsonNode name : schema.path("required")) {
        require(value.has(name.asText()), path + "." + name.asText(), "is required");
      }
      if (schema.has("maxProperties")) {
        require(value.size() <= schema.get("maxProperties").asInt(), path, "has too many fields");
      }
      boolean isOpen =
          schema.path("x-kubernetes-preserve-unknown-fields").asBoolean()
              || path.equals(".metadata");
      value
          .fields()
          .forEachRemaining(field -> {
            String fieldPath = path + "." + field.getKey();
            JsonNode known = schema.path("properties").path(field.getKey());
            if (!known.isMissingNode()) {
              value(fieldPath, known, field.getValue());
            } else if (schema.has("additionalProperties")) {
              value(fieldPath, schema.get("additionalProperties"), field.getValue());
            } else {
              require(isOpen, fieldPath, "is not known");
            }
          });
    }

    private void array(String path, JsonNode schema, JsonNode value) {
      if (!value.isArray()) {
        problems.add(path + ": is no list");
        return;
      }
      require(value.size() >= schema.path("minItems").asInt(0), path, "has too few items");
      require(
          value.size() <= schema.path("maxItems").asInt(Integer.MAX_VALUE),
          path,
          "has too many items");
      Set<String> keys = new HashSet<>();
      for (int i = 0; i < value.size(); i++) {
        String itemPath = path + "[" + i + "]";
        value(itemPath, schema.path("items"), value.get(i));
        String listType = schema.path("x-kubernetes-list-type").asText();
        if (listType.equals("set")) {
          require(keys.add(value.get(i).toString()), itemPath, "is there twice");
        } else if (listType.equals("map")) {
          StringBuilder key = new StringBuilder();
          for (JsonNode name : schema.path("x-kubernetes-list-map-keys")) {
            key.append(value.get(i).path(name.asText())).append('|');
          }
          require(keys.add(key.toString()), itemPath, "is there twice");
        }
      }
    }

    private void string(String path, JsonNode schema, JsonNode value) {
      if (!value.isTextual()) {
        problems.add(path + ": is no string");
        return;
      }
      String text = value.asText();
      require(text.length() >= schema.path("minLength").asInt(0), path, "is too short");
      require(
          text.length() <= schema.path("maxLength").asInt(Integer.MAX_VALUE), path, "is too long");
      if (schema.has("pattern")) {
        require(
            Pattern.compile(schema.get("pattern").asText()).matcher(text).find(),
            path,
            "does not match " + schema.get("pattern").asText());
      }
    }

    private void number(String path, JsonNode schema, JsonNode value, boolean whole) {
      if (whole ? !value.isIntegralNumber() : !value.isNumber()) {
        problems.add(path + (whole ? ": is no integer" : ": is no number"));
        return;
      }
      BigDecimal number = value.decimalValue();
      if (schema.has("minimum")) {
        require(number.compareTo(schema.get("minimum").decimalValue()) >= 0, path, "is too small");
      }
      if (schema.has("maximum")) {
        require(number.compareTo(schema.get("maximum").decimalValue()) <= 0, path, "is too large");
      }
    }

    private void require(boolean holds, String path, String problem) {
      if (!holds) {
        problems.add(path + ": " + problem);
      }
    }
  }
}
