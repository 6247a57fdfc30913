package io.sluice.charts;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The chart takes for its MeshConfig what the definition of the kind takes, and nothing else. */
class MeshConfigTest {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final List<String> RULES =
      List.of("type", "enum", "pattern", "minimum", "maximum", "maxLength", "maxItems");

  @ParameterizedTest
  @ValueSource(strings = {"traffic", "sidecar", "observability", "featureFlags", "certificate"})
  void fieldsHaveTheRulesOfTheDefinition(String section) throws IOException {
    JsonNode values =
        JSON.readTree(Files.readString(Chart.FOLDER.resolve("values.schema.json")))
            .at("/properties/meshConfig/properties/" + section + "/properties");
    JsonNode defined =
        JSON.<JsonNode>valueToTree(
                Yaml.read(
                    Files.readString(
                        Chart.FOLDER.resolve("crds/meshconfigs.config.sluice.io.yaml"))))
            .at("/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/" + section)
            .path("properties");

    assertThat(values.properties()).extracting(Map.Entry::getKey).isNotEmpty();
    assertThat(names(values)).containsExactlyInAnyOrderElementsOf(names(defined));
    for (String field : names(defined)) {
      haveEqualRules(field, values.path(field), defined.path(field));
      haveEqualRules(
          field + " items", values.path(field).path("items"), defined.path(field).path("items"));
    }
  }

  private static void haveEqualRules(String field, JsonNode values, JsonNode defined) {
    for (String rule : RULES) {
      assertThat(values.path(rule)).as("%s of %s", rule, field).isEqualTo(defined.path(rule));
    }
  }

  private static List<String> names(JsonNode properties) {
    return properties.properties().stream().map(Map.Entry::getKey).toList();
  }
}
