package io.sluice.charts;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.charts.Switches.Switch;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.RegisterExtension;
import org.junit.jupiter.api.parallel.ResourceLock;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Each value that switches something switches it; none is forgotten. */
@ResourceLock("KUBECONFIG")
class SwitchesTest {
  @RegisterExtension final LookedUp cluster = new LookedUp();

  static List<Switch> switches() {
    return Switches.all();
  }

  @ParameterizedTest
  @MethodSource("switches")
  void rendersSomethingElse(Switch each) {
    assertThat(each.seen().test(each.base().objects())).as("without %s", each).isFalse();
    assertThat(each.seen().test(each.chart().objects())).as("with %s", each).isTrue();
  }

  @Test
  void everySwitchOfTheSchemaIsInTheTable() throws IOException {
    JsonNode schema =
        new ObjectMapper().readTree(Files.readString(Chart.FOLDER.resolve("values.schema.json")));
    Map<String, Object> defaults = Yaml.read(Files.readString(Chart.FOLDER.resolve("values.yaml")));
    List<String> wanted = new ArrayList<>();
    walk(schema, "", defaults, wanted);

    Set<String> tested =
        switches().stream().map(Switch::toString).collect(Collectors.toCollection(TreeSet::new));

    assertThat(wanted).hasSizeGreaterThan(40);
    assertThat(tested).containsExactlyInAnyOrderElementsOf(wanted);
  }

  /** Every boolean turned over, and every value of an enumeration but the default. */
  private static void walk(JsonNode schema, String path, Object value, List<String> wanted) {
    if (schema.path("type").asText().equals("boolean")) {
      wanted.add(path + "=" + !(boolean) value);
    } else if (schema.has("enum")) {
      schema
          .path("enum")
          .forEach(each -> {
            if (!each.asText().equals(value)) {
              wanted.add(path + "=" + each.asText());
            }
          });
    } else {
      schema
          .path("properties")
          .properties()
          .forEach(property -> {
            Map<String, Object> values = Yaml.mapping(value);
            if (values.containsKey(property.getKey())) { // the rest is of Kubernetes' own objects
              walk(
                  property.getValue(),
                  path.isEmpty() ? property.getKey() : path + "." + property.getKey(),
                  values.get(property.getKey()),
                  wanted);
            }
          });
    }
  }
}
