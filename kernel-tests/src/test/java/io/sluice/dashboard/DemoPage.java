package io.sluice.dashboard;

import static org.assertj.core.api.Assertions.assertThat;

import io.sluice.lab.site.Await;
import java.nio.file.Path;

/** The page of a demo that was kept. */
public final class DemoPage {
  /** Its address. */
  public static final String ADDRESS = "http://127\\.0\\.0\\.1:\\d+/[0-9a-f]{48}/";

  /** Of the buyer's purchases. */
  public static final String RATE =
      "#pairs tr[data-key='shop/bookbuyer → shop/bookstore'] :nth-child(4)";

  private DemoPage() {}

  /** It shows both nodes and what their customers do. */
  public static void assertMeshShown(String page, Path directory) throws Exception {
    try (Browser browser = new Browser(directory)) {
      browser.open(page + "#mesh");
      Await.untilPasses(
          Await.PATIENCE,
          () -> {
            assertThat(browser.text("#verdict")).isEqualTo("2 of 2 nodes follow a controller");
            assertThat(browser.text(RATE)).as(browser.text("body")).matches("[1-9][0-9]*\\.[0-9]");
            assertThat(browser.text("#pairs")).contains("mutual TLS");
          });
      assertThat(browser.complaints()).isEmpty();
    }
  }
}
