package io.sluice.charts;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.sluice.bpf.InterceptionProgram;
import io.sluice.charts.DocumentedValues.Value;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/**
 * Values, their schema and the document agree. A wanted change of the document's table is written
 * by {@code mvn -pl charts test -Dtest=ValuesTest -Dcharts.write=true}.
 */
class ValuesTest {
  private static final Path DOCUMENT = Chart.ROOT.resolve("docs/install.md");
  private static final String BEGIN = "| Value | Default | Meaning |\n|---|---|---|\n";

  @Test
  void everyValueIsInTheDocumentAsTheChartHasIt() throws IOException {
    List<Value> values = DocumentedValues.read();
    String rows = String.join("\n", values.stream().map(Value::row).toList()) + "\n";
    String text = Files.readString(DOCUMENT);
    if (Boolean.getBoolean("charts.write")) {
      int begin = text.indexOf(BEGIN) + BEGIN.length();
      int end = begin;
      while (text.startsWith("| `", end)) {
        end = text.indexOf('\n', end) + 1;
      }
      text = text.substring(0, begin) + rows + text.substring(end);
      Files.writeString(DOCUMENT, text);
    }

    assertThat(values).hasSizeGreaterThan(80).allMatch(each -> each.meaning().endsWith("."));
    assertThat(text).contains(BEGIN + rows);
  }

  @Test
  void theSchemaKnowsTheValuesAndNoOthers() throws IOException {
    JsonNode schema =
        new ObjectMapper().readTree(Files.readString(Chart.FOLDER.resolve("values.schema.json")));
    Set<String> known = new TreeSet<>();
    leaves(schema, "", known);
    Set<String> documented = new TreeSet<>();
    DocumentedValues.read().forEach(value -> documented.add(value.path()));

    assertThat(known).isNotEmpty().allMatch(path -> isBelow(path, documented));
    assertThat(documented)
        .allMatch(path ->
            known.stream().anyMatch(leaf -> leaf.equals(path) || leaf.startsWith(path + ".")));
  }

  @Test
  void theSchemaKnowsEveryProgramThatANodeMayDoWithout() throws IOException {
    JsonNode schema =
        new ObjectMapper().readTree(Files.readString(Chart.FOLDER.resolve("values.schema.json")));

    assertThat(schema.at("/properties/interception/properties/withoutPrograms/items/enum"))
        .extracting(JsonNode::asText)
        .containsExactlyInAnyOrderElementsOf(
            Stream.of(InterceptionProgram.values()).map(InterceptionProgram::objectName).toList());
  }

  private static boolean isBelow(String path, Set<String> documented) {
    return documented.stream().anyMatch(each -> path.equals(each) || path.startsWith(each + "."));
  }

  private static void leaves(JsonNode schema, String path, Set<String> leaves) {
    if (!schema.has("properties")) {
      leaves.add(path);
      return;
    }
    assertThat(schema.path("additionalProperties").asBoolean(true))
        .as("more in %s", path)
        .isFalse();
    for (Map.Entry<String, JsonNode> property : schema.path("properties").properties()) {
      leaves(
          property.getValue(),
          path.isEmpty() ? property.getKey() : path + "." + property.getKey(),
          leaves);
    }
  }
}
