// Questions to our server, four at a time, in the order of the page.

const AT_ONCE = 4;

export async function inTurn(works) {
  const waiting = [...works];
  const one = async () => {
    for (let work = waiting.shift(); work; work = waiting.shift()) await work();
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
}

export async function ask(path, asked, signal) {
  try {
    const answer = await fetch(`${path}?${asked}`, { signal, headers: { accept: "application/json" } });
    return await answer.json();
  } catch (error) {
    if (error.name === "AbortError") return null;
    return { columns: [], rows: [], notes: [], error: "The preview does not answer: was it stopped? Start it again." };
  }
}
