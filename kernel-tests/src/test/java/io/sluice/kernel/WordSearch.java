package io.sluice.kernel;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Looks for many words in one pass over a text, however many there are. For one thread. */
final class WordSearch {
  private static final int BEGINNING = 4;
  private static final int BUCKETS = 1 << 16;

  private record Word(String text, String name) {}

  /** By what {@link #bucket} says of their beginnings; most places of a text are in none. */
  private final boolean[] isUsed = new boolean[BUCKETS];

  private final Map<Integer, List<Word>> buckets = new HashMap<>();

  /** Looks for {@code word} too, and calls it so; it has four letters at least. */
  void add(String word, String name) {
    int bucket = bucket(word, 0);
    isUsed[bucket] = true;
    buckets.computeIfAbsent(bucket, _ -> new ArrayList<>()).add(new Word(word, name));
  }

  /** Names of the words that stand in {@code text}. */
  Set<String> in(String text) {
    Set<String> found = new LinkedHashSet<>();
    for (int at = 0; at <= text.length() - BEGINNING; at++) {
      int bucket = bucket(text, at);
      if (isUsed[bucket]) {
        for (Word word : buckets.getOrDefault(bucket, List.of())) {
          if (text.startsWith(word.text, at)) {
            found.add(word.name);
          }
        }
      }
    }
    return found;
  }

  private static int bucket(String text, int at) {
    int hash = 0;
    for (int i = at; i < at + BEGINNING; i++) {
      hash = hash * 31 + text.charAt(i);
    }
    return (hash * 0x9E3779B1) >>> 16; // so many bits are left as there are buckets
  }
}
