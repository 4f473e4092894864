// Who looks: a token, typed once.

import { faultWords, post } from "./api.js";
import { fill, h } from "./dom.js";
import { prose } from "./say.js";

export function signIn(why, enter) {
  const told = h("p", { id: "sign-in-told", class: "told", role: "alert" }, why ? prose(why) : null);
  const token = h("input", {
    id: "token",
    name: "token",
    type: "password",
    autocomplete: "current-password",
    required: true,
    "aria-describedby": "sign-in-told sign-in-hint",
  });
  const button = h("button", { type: "submit", class: "primary" }, "Sign in");
  const onsubmit = async (event) => {
    event.preventDefault();
    button.disabled = true;
    try {
      await post("/session", { token: token.value });
      await enter();
    } catch (fault) {
      const words = fault.status === 401 ? "That is not the token." : `That did not work: ${faultWords(fault)}.`;
      fill(told, prose(words));
      token.select();
      token.focus();
    } finally {
      button.disabled = false;
    }
  };
  return h(
    "div",
    { class: "sign-in" },
    h("h1", null, "regent"),
    h(
      "form",
      { onsubmit },
      // What keeps passwords for people wants a name to keep them by.
      h("input", { type: "text", name: "username", autocomplete: "username", value: "regent", hidden: true }),
      h("label", { for: "token" }, "Token"),
      token,
      button,
      told,
    ),
    h("p", { id: "sign-in-hint", class: "hint" }, "The token stands in [web] of the configuration. Where there is none, ", h("code", null, "regent web"), " on the daemon’s host prints a link that signs you in."),
  );
}
