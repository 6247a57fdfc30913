package io.sluice.readme;

import io.sluice.architecture.SourceTree;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A page of the documentation.
 *
 * @param file relative to the tree's root
 */
record MarkdownPage(Path file, String text) {
  private static final Pattern BLOCK =
      Pattern.compile("(?m)^```([a-z]*)\\n((?:(?!```).*\\n)*)```$");
  private static final Pattern CODE = Pattern.compile("`[^`\\n]+`");
  private static final Pattern LINK = Pattern.compile("\\]\\(([^)\\s]+)\\)");
  private static final Pattern HEADING = Pattern.compile("(?m)^#{1,6} (.+)$");

  /** Code that stands by itself, and the language that is written at its fence. */
  record Block(String language, String text) {
    /** The lines of a shell block; comments and continuations are resolved. */
    List<String> commands() {
      return text.replace("\\\n", " ")
          .lines()
          .map(line -> line.replaceFirst("(^|\\s)#.*", "").strip())
          .filter(line -> !line.isEmpty())
          .toList();
    }
  }

  static MarkdownPage of(SourceTree tree, Path file) {
    return new MarkdownPage(file, tree.read(file));
  }

  /** README and everything below {@code docs}. */
  static List<MarkdownPage> all(SourceTree tree) {
    return tree.files().stream()
        .filter(file -> file.toString().endsWith(".md"))
        .filter(file -> file.startsWith("docs") || file.equals(Path.of("README.md")))
        .sorted()
        .map(file -> of(tree, file))
        .toList();
  }

  List<Block> blocks() {
    return BLOCK.matcher(text).results().map(m -> new Block(m.group(1), m.group(2))).toList();
  }

  /** Cells of the rows of every table below a heading of the second level, without the heads. */
  List<List<String>> rows(String heading) {
    List<List<String>> rows = new ArrayList<>();
    boolean inside = false;
    boolean belowHeads = false;
    for (String line : text.lines().toList()) {
      if (line.startsWith("## ")) {
        inside = line.equals("## " + heading);
      } else if (inside && line.startsWith("|---")) {
        belowHeads = true;
      } else if (!line.startsWith("|")) {
        belowHeads = false;
      } else if (inside && belowHeads) {
        String cells = line.strip().replaceFirst("^\\|", "").replaceFirst("\\|$", "");
        rows.add(Stream.of(cells.split("(?<!\\\\)\\|", -1)).map(String::strip).toList());
      }
    }
    return rows;
  }

  /** What stands between backticks in {@code text}. */
  static List<String> code(String text) {
    return CODE.matcher(text)
        .results()
        .map(MatchResult::group)
        .map(code -> code.substring(1, code.length() - 1))
        .toList();
  }

  /** Targets of the links outside of code. */
  List<String> links() {
    return LINK.matcher(prose()).results().map(m -> m.group(1)).toList();
  }

  /** The names by which headings are linked to. */
  List<String> anchors() {
    return HEADING
        .matcher(BLOCK.matcher(text).replaceAll(""))
        .results()
        .map(m -> anchor(m.group(1)))
        .toList();
  }

  private static String anchor(String heading) {
    return heading
        .strip()
        .toLowerCase(Locale.ROOT)
        .replaceAll("[^\\p{L}\\p{N}_ -]", "")
        .replace(' ', '-');
  }

  @Override
  public String toString() {
    return file.toString();
  }

  private String prose() {
    return CODE.matcher(BLOCK.matcher(text).replaceAll("")).replaceAll("");
  }
}
