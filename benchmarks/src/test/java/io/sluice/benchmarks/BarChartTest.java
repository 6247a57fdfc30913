package io.sluice.benchmarks;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.StringReader;
import java.util.List;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.w3c.dom.Document;
import org.w3c.dom.Element;
import org.w3c.dom.NodeList;
import org.xml.sax.InputSource;

class BarChartTest {
  private static final Values SLOW = Values.of(List.of(100.0, 200.0, 250.0));
  private static final Values FAST = Values.of(List.of(400.0, 450.0, 500.0));

  @Test
  void barsAreAsLongAsMediansInTheScaleOfTheirGroup() throws Exception {
    Document svg =
        parsed(
            new BarChart()
                .add("rate", "1/s", bars())
                .add(
                    "one tenth",
                    "µs",
                    List.of(new BarChart.Bar("direct", Values.of(List.of(10.0))))));
    NodeList bars = svg.getElementsByTagName("rect"); // the first is the background
    assertThat(List.of(width(bars, 1), width(bars, 2), width(bars, 3)))
        .containsExactly(192.0, 432.0, 480.0);
  }

  @Test
  void linesGoFromTheLowestToTheHighestValue() throws Exception {
    Element line =
        (Element)
            parsed(new BarChart().add("rate", "1/s", bars())).getElementsByTagName("path").item(0);
    assertThat(line.getAttribute("d")).startsWith("M216.0 ").contains("H360.0M");
  }

  @Test
  void aPathHasOneColourInAllGroups() throws Exception {
    NodeList bars =
        parsed(new BarChart().add("a", "s", bars()).add("b", "s", bars().reversed()))
            .getElementsByTagName("rect");
    assertThat(fill(bars, 1)).isEqualTo(fill(bars, 4)).isNotEqualTo(fill(bars, 2));
    assertThat(fill(bars, 2)).isEqualTo(fill(bars, 3));
  }

  @Test
  void wordsAreNoMarkup() throws Exception {
    Document svg = parsed(new BarChart().add("a < b & c", "s", bars()));
    assertThat(svg.getElementsByTagName("text").item(0).getTextContent()).isEqualTo("a < b & c, s");
  }

  private static List<BarChart.Bar> bars() {
    return List.of(new BarChart.Bar("direct", SLOW), new BarChart.Bar("meshed", FAST));
  }

  private static Document parsed(BarChart chart) throws Exception {
    return DocumentBuilderFactory.newInstance()
        .newDocumentBuilder()
        .parse(new InputSource(new StringReader(chart.svg())));
  }

  private static double width(NodeList bars, int index) {
    return Double.parseDouble(((Element) bars.item(index)).getAttribute("width"));
  }

  private static String fill(NodeList bars, int index) {
    return ((Element) bars.item(index)).getAttribute("fill");
  }
}
