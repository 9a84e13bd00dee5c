import { render } from "preact";
import "./styles/page.css";
import { start } from "./store";
import { App } from "./ui/App";
import { startTheme } from "./ui/theme";

startTheme();
start();
const page = document.getElementById("page");
if (page) render(<App />, page);
